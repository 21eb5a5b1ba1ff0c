// Stands for the vendor's: all that the module asks for is in py/mphal.h.

// No pins, or py/mphal.h wants a header of extmod's, which the older tree does not have.
#define mp_hal_pin_obj_t int
