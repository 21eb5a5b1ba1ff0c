// lwIP's end of the wire: one interface, to which everything goes.
#include <string.h>

#include "lwip/etharp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/sys.h"
#include "lwip/tcpip.h"
#include "netif/ethernet.h"

#include "wire_lwip.h"

enum { FRAME_MOST = 1514, MTU = 1500 };

static struct netif interface;

// lwIP keeps 127.0.0.1 to itself; here it is the machine's.
struct netif *wire_route(const struct ip4_addr *to) {
    (void)to;
    return &interface;
}

static err_t send_frame(struct netif *netif, struct pbuf *frame) {
    (void)netif;
    char octets[FRAME_MOST];
    u16_t len = pbuf_copy_partial(frame, octets, sizeof(octets), 0);
    wire_output(octets, len);
    return ERR_OK;
}

void wire_lwip_input(const void *frame, size_t len) {
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);
    if (copy == NULL) {
        return;
    }
    pbuf_take(copy, frame, (u16_t)len);
    if (interface.input == NULL || interface.input(copy, &interface) != ERR_OK) {
        pbuf_free(copy);
    }
}

static err_t set_up(struct netif *netif) {
    static const u8_t address[ETH_HWADDR_LEN] = { 0x52, 0x55, 0x0a, 0x00, 0x02, 0x0f };
    netif->name[0] = 'w';
    netif->name[1] = '0';
    netif->mtu = MTU;
    netif->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(netif->hwaddr, address, ETH_HWADDR_LEN);
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    return ERR_OK;
}

static void begin(void *started) {
    ip4_addr_t address, netmask, gateway;
    ip4addr_aton(WIRE_ADDRESS, &address);
    ip4addr_aton(WIRE_NETMASK, &netmask);
    ip4addr_aton(WIRE_GATEWAY, &gateway);
    netif_add(&interface, &address, &netmask, &gateway, NULL, set_up, tcpip_input);
    netif_set_default(&interface);
    netif_set_up(&interface);
    sys_sem_signal(started);
}

void wire_lwip_start(void) {
    sys_sem_t started;
    sys_sem_new(&started, 0);
    tcpip_init(begin, &started);
    sys_sem_wait(&started);
    sys_sem_free(&started);
}
