// The headers that bindgen reads; build.rs says which of their names reach Rust.
#include "py/mperrno.h"
#include "umqtt.h"
#include "umqtt_shim.h"
