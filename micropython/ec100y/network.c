// The network: lwIP over the Ethernet chip, driven from MicroPython's scheduler and its look for events.

#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modnetwork.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "network.h"
#include "smc91c111.h"
#include "timer.h"

// How often lwIP's timers are looked at; its shortest interval is 250 ms.
#define TIMERS_MS       (100)
// How many frames are taken before Python has its turn again.
#define FRAMES_AT_ONCE  (8)
// How long after the start of DHCP a script that wants to use the network waits for an address.
#define LEASE_WAIT_MS   (10000)

static struct netif nic;
static bool has_chip;
static mp_uint_t dhcp_started_ms;
static volatile bool frames_have_come, timers_may_be_due;

// The scheduler calls network_poll between bytecodes; a script that never waits gets its frames too.
static mp_sched_node_t poll_node;

static void poll_when_scheduled(mp_sched_node_t *node) {
    (void)node;
    network_poll();
}

static void on_frame(void) {
    frames_have_come = true;
    mp_sched_schedule_node(&poll_node, poll_when_scheduled);
}

static void on_timer(void) {
    timers_may_be_due = true;
    mp_sched_schedule_node(&poll_node, poll_when_scheduled);
}

u32_t sys_now(void) {
    return mp_hal_ticks_ms();
}

static err_t nic_output(struct netif *netif, struct pbuf *frame) {
    (void)netif;
    // One that the chip has no room for is lost, as others are on the way; an error would reach the script, although TCP sends
    // it again.
    smc91c111_send(frame);
    return ERR_OK;
}

static err_t nic_init(struct netif *netif) {
    has_chip = smc91c111_init(netif->hwaddr, on_frame);
    netif->hwaddr_len = sizeof(netif->hwaddr);
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP;
    netif->output = etharp_output;
    netif->linkoutput = nic_output;
    netif_set_hostname(netif, mod_network_hostname_data);
    return has_chip ? ERR_OK : ERR_IF;
}

void network_set_active(bool active) {
    if (active == netif_is_up(&nic)) {
        return;
    }
    if (active) {
        netif_set_up(&nic);
        dhcp_started_ms = mp_hal_ticks_ms();
        dhcp_start(&nic);
    } else {
        dhcp_release_and_stop(&nic);
        netif_set_down(&nic);
    }
}

void network_init(void) {
    lwip_init();
    if (netif_add_noaddr(&nic, NULL, nic_init, netif_input) != NULL) {
        netif_set_default(&nic);
        // The chip does not tell, or rather QEMU's does not.
        netif_set_link_up(&nic);
        network_set_active(true);
    }
    timer_call_every_ms(TIMERS_MS, on_timer);
}

struct netif *network_nic(void) {
    return has_chip ? &nic : NULL;
}

void network_poll(void) {
    static bool is_polling;
    if (is_polling) {
        return;
    }
    is_polling = true;
    if (frames_have_come) {
        frames_have_come = false;
        struct pbuf *frame;
        for (int i = 0; i < FRAMES_AT_ONCE && (frame = smc91c111_receive()) != NULL; ++i) {
            if (nic.input(frame, &nic) != ERR_OK) {
                pbuf_free(frame);
            }
        }
        // If frames are left, on_frame is called again at once.
        smc91c111_listen();
    }
    if (timers_may_be_due) {
        timers_may_be_due = false;
        sys_check_timeouts();
    }
    is_polling = false;
}

static bool has_address(void) {
    return !ip4_addr_isany_val(*netif_ip4_addr(&nic));
}

// Whether an address is about to come: a script may use the network right after the start.
static bool is_address_due(void) {
    return netif_is_up(&nic) && !has_address() && mp_hal_ticks_ms() - dhcp_started_ms < LEASE_WAIT_MS;
}

// The linker puts the next functions between modlwip.c and lwIP (--wrap, in network.mk): there is no other place to wait
// where a script can first need the address.

err_t __real_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *address, u16_t port, tcp_connected_fn connected);
err_t __wrap_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *address, u16_t port, tcp_connected_fn connected) {
    // Ctrl-C ends the wait, but is raised later: the caller must not be left by a jump.
    while (is_address_due() && MP_STATE_MAIN_THREAD(mp_pending_exception) == MP_OBJ_NULL) {
        network_poll();
        MICROPY_INTERNAL_WFE(TIMERS_MS);
    }
    return __real_tcp_connect(pcb, address, port, connected);
}

// A name that somebody waits for. lwIP holds its number and no pointer to it, since Ctrl-C may end the wait.
typedef struct _lookup_t {
    struct _lookup_t *next;
    uintptr_t number;
    bool is_done;
    bool is_found;
    ip_addr_t address;
} lookup_t;

static lookup_t *lookups;

static void on_lookup_done(const char *name, const ip_addr_t *address, void *number) {
    (void)name;
    for (lookup_t *lookup = lookups; lookup != NULL; lookup = lookup->next) {
        if (lookup->number == (uintptr_t)number) {
            lookup->is_done = true;
            lookup->is_found = address != NULL;
            if (address != NULL) {
                lookup->address = *address;
            }
        }
    }
}

// Scheduled callbacks that look up names themselves come and go while this one waits, so the last is always the first.
static void await_lookup(lookup_t *lookup) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        while (!lookup->is_done) {
            mp_event_wait_ms(TIMERS_MS);
        }
        nlr_pop();
        lookups = lookup->next;
    } else {
        lookups = lookup->next;
        nlr_jump(nlr.ret_val);
    }
}

// Waits for the answer here. Were it awaited in modlwip.c, an answer after Ctrl-C would be written to where that function's
// variables had been. So `found` is called before this returns, or never.
err_t __real_dns_gethostbyname_addrtype(const char *name, ip_addr_t *address, dns_found_callback found, void *arg, u8_t type);
err_t __wrap_dns_gethostbyname_addrtype(const char *name, ip_addr_t *address, dns_found_callback found, void *arg, u8_t type) {
    static uintptr_t last_number;
    while (is_address_due()) {
        mp_event_wait_ms(TIMERS_MS);
    }
    lookup_t lookup = { .next = lookups, .number = ++last_number };
    err_t error = __real_dns_gethostbyname_addrtype(name, address, on_lookup_done, (void *)lookup.number, type);
    if (error == ERR_INPROGRESS) {
        if (!has_address()) {
            return ERR_RTE;
        }
        lookups = &lookup;
        await_lookup(&lookup);
        found(name, lookup.is_found ? &lookup.address : NULL, arg);
    }
    return error;
}
