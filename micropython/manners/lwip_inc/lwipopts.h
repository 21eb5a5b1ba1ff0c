// lwIP as the vendor's firmware has it: a thread of its own, and sockets. What is not said here is lwIP's default.
#pragma once

#define LWIP_SOCKET             (1)
#define LWIP_NETCONN            (1)
// lwip_connect() and so on: the C library has the short names.
#define LWIP_COMPAT_SOCKETS     (0)
#define LWIP_SO_SNDTIMEO        (1)
#define LWIP_SO_RCVTIMEO        (1)
#define LWIP_TCP_KEEPALIVE      (1)
#define SO_REUSE                (1)

// Names are looked up outside: by what stands in for the vendor's getaddrinfo_with_pcid.
#define LWIP_DNS                (0)
#define LWIP_DHCP               (0)
#define LWIP_ARP                (1)
#define LWIP_IPV6               (0)
#define LWIP_RAW                (0)
#define LWIP_STATS              (0)

#define MEM_LIBC_MALLOC         (1)
#define MEMP_MEM_MALLOC         (1)
#define MEM_ALIGNMENT           (8)
#define MEMP_NUM_NETCONN        (32)
#define MEMP_NUM_TCP_PCB        (32)
#define TCP_MSS                 (1460)
#define TCP_WND                 (8 * TCP_MSS)
#define TCP_SND_BUF             (8 * TCP_MSS)
#define TCP_SND_QUEUELEN        (4 * TCP_SND_BUF / TCP_MSS)
#define TCPIP_MBOX_SIZE         (128)
#define DEFAULT_TCP_RECVMBOX_SIZE (64)
#define DEFAULT_ACCEPTMBOX_SIZE (8)

// There is nothing inside: 127.0.0.1 is the machine that this runs on.
#define LWIP_HAVE_LOOPIF        (0)
#define LWIP_NETIF_LOOPBACK     (0)
struct netif;
struct ip4_addr;
struct netif *wire_route(const struct ip4_addr *to);
#define LWIP_HOOK_IP4_ROUTE_SRC(src, dest) wire_route(dest)
