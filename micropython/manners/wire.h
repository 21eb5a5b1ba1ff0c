// The network: lwIP in a thread of its own, and the machine's own network behind it.
#pragma once

// Starts it. The first call of all, before there are other threads.
void wire_start(void);

// One more address that a name stands for; the text ends in a NUL.
typedef struct {
    char text[16];
} wire_address_t;

// Stands in for the SDK's getaddrinfo_with_pcid: the IPv4 addresses of a name, as the machine knows it, at most so many. Their
// number; 0 if there are none. Waits.
int wire_look_up(const char *name, wire_address_t *addresses, int most);
