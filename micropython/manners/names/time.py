# The vendor's firmware has this module by its old name alone. Scripts of the tests say `import time`.
from utime import *
