// Names that MicroPython's makers of names do not find in the C files by themselves.
Q(/)
