// Manners in which the vendor's firmwares differ from one another: each build has those of its tree, and the environment may
// choose others, by their names, in MANNERS.
#pragma once

#include <stdbool.h>

typedef enum {
    // connect() asks lwIP each time, as in 2021. Otherwise it is only asked once, and then the answer is EALREADY.
    MANNERS_CONNECT_BY_LWIP = 1,
    // That answer is EISCONN.
    MANNERS_CONNECT_IS = 2,
    // The first connect() has lost its errno: OSError(0).
    MANNERS_CONNECT_ZERO = 4,
    // A name that nobody knows: an empty list. Otherwise OSError(-200).
    MANNERS_EMPTY_LIST = 8,
    // Who reads before the connection stands gets OSError(115), raised out of the stream's read.
    MANNERS_READ_RAISES = 16,
} manners_t;

bool manners_has(manners_t one);

// How many sockets are open, and how often one was read or polled.
extern int manners_sockets;
extern unsigned manners_tries;
