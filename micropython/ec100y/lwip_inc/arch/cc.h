// The compiler and the machine, as far as lwIP does not know them from the standard headers.
#pragma once

#include <assert.h>
#include <stdint.h>

#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(message)   assert(!message)

// In mpconfigport.h.
uint32_t board_random_seed(void);
#define LWIP_RAND()                     board_random_seed()

// Wanted by modlwip.c; nothing here asks for protection, since no interrupt handler calls lwIP.
typedef uint32_t sys_prot_t;
