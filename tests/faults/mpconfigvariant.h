// Our variant of the Unix port with the module `faults`, for tests: nothing else differs.
#include "../../micropython/unix/mpconfigvariant.h"
