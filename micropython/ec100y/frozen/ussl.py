# Module ssl by its old name. MicroPython finds usocket, utime and the like by itself, but those only that are in C.
from ssl import *
