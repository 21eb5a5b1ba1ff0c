// What of lwIP this port has, and how much memory it gets. All of lwIP runs in the main program, see network.h.
#pragma once

#include <stdint.h>

#define NO_SYS                          1
#define SYS_LIGHTWEIGHT_PROT            0
#define LWIP_NETCONN                    0
#define LWIP_SOCKET                     0
#define LWIP_STATS                      0
#define MEM_ALIGNMENT                   4

#define LWIP_IPV6                       0
#define LWIP_RAW                        0
#define LWIP_IGMP                       1
#define LWIP_DNS                        1
#define LWIP_DHCP                       1
// Asking whether somebody else has the address would take the first seconds of each start.
#define LWIP_DHCP_DOES_ACD_CHECK        0
#define LWIP_NETIF_HOSTNAME             1
#define SO_REUSE                        1

// The IP header behind an Ethernet header of 14 octets is aligned to 4.
#define ETH_PAD_SIZE                    2
#define LWIP_CHKSUM_ALGORITHM           3

// What is received and what is to be sent, each in a block of its size: a peer that sends many small segments to a script
// that is slow to read them uses little.
#define MEM_SIZE                        (256 * 1024)
// The driver's frames are such blocks too, so nobody takes from this pool; lwIP wants it to hold a window.
#define PBUF_POOL_SIZE                  1
#define LWIP_DISABLE_TCP_SANITY_CHECKS  1

// The peers' bursts are kept to what the chip has memory for, four frames: what comes beyond is lost, and is sent again a
// second later. QEMU's network makes segments of 1440 octets at most; were the window no multiple, there would be a fifth.
#define TCP_MSS                         1440
#define TCP_WND                         (4 * TCP_MSS)
#define TCP_SND_BUF                     (4 * TCP_MSS)
// Never reached before the buffer above is full, were it with writes of 4 octets, each in a segment of its own: without room
// for one more, modlwip.c would hold even a non-blocking socket for 10 seconds.
#define TCP_SND_QUEUELEN                2048
#define MEMP_NUM_TCP_SEG                2048
#define TCP_LISTEN_BACKLOG              1

#define MEMP_NUM_TCP_PCB                16
#define MEMP_NUM_TCP_PCB_LISTEN         4
#define MEMP_NUM_UDP_PCB                12
#define MEMP_NUM_REASSDATA              4
#define IP_REASS_MAX_PBUFS              16

// Where lwIP would count on from a fixed number at each start: after a reset in the middle of a connection the peer must
// not take the new one's segments for the old one's.
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) LWIP_RAND()
