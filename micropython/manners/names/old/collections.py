# As time.py above, in trees where more modules have their old names only.
from ucollections import *
