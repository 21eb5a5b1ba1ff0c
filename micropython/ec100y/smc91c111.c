// The Ethernet chip, an SMC91C111: whole frames out and in, through the chip's own packet memory.
//
// Its registers come in banks. After smc91c111_init the chip stays in bank 2, so that the interrupt handler finds its own
// register there whatever it has interrupted.
//
// In packet memory a frame stands behind two words of 16 bits, status and byte count, and before a control word:
//     status, count, frame up to its last even octet, then either (0, control) or (last octet, control with CONTROL_ODD)
// The byte count is that of all of it.

#include <string.h>
#include "board.h"
#include "interrupt.h"
#include "smc91c111.h"

#define REG16(offset)       (*(volatile uint16_t *)(BOARD_ETHERNET + (offset)))
#define REG8(offset)        (*(volatile uint8_t *)(BOARD_ETHERNET + (offset)))

#define BANK                REG16(14)
#define BANK_ID             (0x3300) // its upper half, in all banks

// Bank 0.
#define TCR                 REG16(0)
#define TCR_ENABLE          (0x0001)
#define TCR_PAD             (0x0080)
#define RCR                 REG16(4)
#define RCR_ALL_MULTICAST   (0x0004)
#define RCR_ENABLE          (0x0100)
#define RCR_STRIP_CRC       (0x0200)
#define RCR_SOFT_RESET      (0x8000)
#define RPCR                REG16(10)
#define RPCR_NEGOTIATE      (0x0800)
// Bank 1.
#define ADDRESS(i)          REG8(4 + (i))
// Bank 2.
#define COMMAND             REG16(0)
#define COMMAND_ALLOCATE    (1 << 5)
#define COMMAND_RESET       (2 << 5)
#define COMMAND_DROP        (4 << 5) // the frame received first, and its memory
#define COMMAND_RELEASE     (5 << 5) // the memory of PACKET
#define COMMAND_TRANSMIT    (6 << 5)
#define COMMAND_BUSY        (1 << 0)
#define PACKET              REG8(2)  // which packet of the memory DATA means
#define ALLOCATED           REG8(3)
#define TX_DONE             REG8(4)
#define RX_FIRST            REG8(5)
#define FIFO_EMPTY          (0x80)   // in the last three
#define POINTER             REG16(6) // where in the packet
#define POINTER_RECEIVED    (0x8000) // the frame received first, whatever PACKET says
#define POINTER_ADVANCES    (0x4000)
#define POINTER_READ        (0x2000)
#define DATA                BOARD_REGISTER(BOARD_ETHERNET + 8)
#define INT_STATUS          REG8(12)
#define INT_MASK            REG8(13)
#define INT_RECEIVED        (0x01)
#define INT_SENT            (0x02)

#define STATUS_BAD          (0xac00) // misaligned, wrong CRC, too long, too short
#define CONTROL_ODD         (0x20)
#define COUNT_OF_WORDS      (6)      // status, count and control
#define COUNT_MASK          (0x07fe)
#define FRAME_MAX           (1518)

// Some waits are for the chip alone, which is done in less than this many looks unless it is broken.
#define PATIENCE            (100000)

// The board's second interrupt controller passes lines 21 to 30 on to the first one, where it is told to.
#define PASS_ON             BOARD_REGISTER(BOARD_INTERRUPTS_2 + 0x20)

// Frames that wait here and not in the chip, which has memory for four, those to be sent included. Each of many segments
// that are sent at once brings an answer, and lwIP takes none while it is sending: as many as TCP_SND_QUEUELEN allows.
#define WAITING_MAX         (512)

static void (*frame_handler)(void);
static struct pbuf *waiting[WAITING_MAX];
static unsigned first_waiting, waiting_count;

static void command(uint16_t what) {
    COMMAND = what;
    for (int i = 0; (COMMAND & COMMAND_BUSY) && i < PATIENCE; ++i) {
    }
}

static void on_interrupt(void) {
    // It asks until the frames have been taken.
    INT_MASK = 0;
    frame_handler();
}

bool smc91c111_init(uint8_t address[6], void (*on_frame)(void)) {
    BANK = 0;
    if ((BANK & 0xff00) != BANK_ID) {
        return false;
    }
    RCR = RCR_SOFT_RESET;
    RCR = 0;
    TCR = TCR_ENABLE | TCR_PAD;
    RPCR = RPCR_NEGOTIATE;
    BANK = 1;
    for (unsigned i = 0; i < 6; ++i) {
        address[i] = ADDRESS(i);
    }
    BANK = 2;
    INT_MASK = 0;
    command(COMMAND_RESET);
    BANK = 0;
    RCR = RCR_ENABLE | RCR_STRIP_CRC | RCR_ALL_MULTICAST;
    BANK = 2;
    frame_handler = on_frame;
    PASS_ON = 1u << BOARD_IRQ_ETHERNET;
    interrupt_connect(BOARD_IRQ_ETHERNET, on_interrupt);
    smc91c111_listen();
    return true;
}

void smc91c111_listen(void) {
    if (waiting_count > 0) {
        frame_handler();
    }
    INT_MASK = INT_RECEIVED;
}

// Reads the frame into a pbuf of its size. What the chip has is read from the byte count on: the count falls on the padding
// before the frame, and so each word of memory is one read.
static struct pbuf *read_frame(void) {
    _Static_assert(ETH_PAD_SIZE == 2, "the byte count must fit there");
    POINTER = POINTER_RECEIVED | POINTER_ADVANCES | POINTER_READ;
    uint32_t head = DATA;
    uint32_t count = (head >> 16) & COUNT_MASK;
    if ((head & STATUS_BAD) || count <= COUNT_OF_WORDS || count > FRAME_MAX + COUNT_OF_WORDS + 1) {
        return NULL;
    }
    uint32_t words = (count - 2 + 3) / 4;
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, words * 4, PBUF_RAM);
    if (frame == NULL) {
        return NULL;
    }
    POINTER = POINTER_RECEIVED | POINTER_ADVANCES | POINTER_READ | 2;
    uint32_t *to = frame->payload;
    for (uint32_t i = 0; i < words; ++i) {
        to[i] = DATA;
    }
    uint8_t control = ((const uint8_t *)to)[count - 2 - 1];
    pbuf_realloc(frame, ETH_PAD_SIZE + count - COUNT_OF_WORDS + (control & CONTROL_ODD ? 1 : 0));
    return frame;
}

static void empty_chip(void) {
    while (!(RX_FIRST & FIFO_EMPTY)) {
        struct pbuf *frame = waiting_count < WAITING_MAX ? read_frame() : NULL;
        command(COMMAND_DROP);
        // One that is bad, or that there is no room for, is gone.
        if (frame != NULL) {
            waiting[(first_waiting + waiting_count++) % WAITING_MAX] = frame;
        }
    }
}

struct pbuf *smc91c111_receive(void) {
    empty_chip();
    if (waiting_count == 0) {
        return NULL;
    }
    struct pbuf *frame = waiting[first_waiting];
    first_waiting = (first_waiting + 1) % WAITING_MAX;
    --waiting_count;
    return frame;
}

// Octets on their way into the chip, which takes words.
typedef struct _word_writer_t {
    uint32_t word;
    unsigned bits;
} word_writer_t;

static void write_octet(word_writer_t *writer, uint8_t octet) {
    writer->word |= (uint32_t)octet << writer->bits;
    writer->bits += 8;
    if (writer->bits == 32) {
        DATA = writer->word;
        *writer = (word_writer_t) { 0, 0 };
    }
}

static void write_octets(word_writer_t *writer, const uint8_t *from, size_t len) {
    while (len > 0) {
        uint32_t word;
        if (writer->bits == 0 && len >= sizeof(word)) {
            memcpy(&word, from, sizeof(word));
            DATA = word;
            from += sizeof(word);
            len -= sizeof(word);
        } else {
            write_octet(writer, *from++);
            --len;
        }
    }
}

// A packet of the chip's memory to send from, or FIFO_EMPTY.
static uint8_t allocate(void) {
    uint8_t packet;
    COMMAND = COMMAND_ALLOCATE;
    for (int i = 0; ((packet = ALLOCATED) & FIFO_EMPTY) && i < PATIENCE; ++i) {
        // Received frames may hold all of it.
        empty_chip();
    }
    return packet;
}

bool smc91c111_send(const struct pbuf *frame) {
    uint32_t len = frame->tot_len - ETH_PAD_SIZE;
    uint8_t packet;
    if (len > FRAME_MAX || ((packet = allocate()) & FIFO_EMPTY)) {
        return false;
    }
    PACKET = packet;
    POINTER = POINTER_ADVANCES;
    DATA = ((len & ~1u) + COUNT_OF_WORDS) << 16;
    word_writer_t writer = { 0, 0 };
    write_octets(&writer, (const uint8_t *)frame->payload + ETH_PAD_SIZE, frame->len - ETH_PAD_SIZE);
    for (const struct pbuf *part = frame->next; part != NULL; part = part->next) {
        write_octets(&writer, part->payload, part->len);
    }
    if (len & 1) {
        write_octet(&writer, CONTROL_ODD);
    }
    // Fills up the last word; for an even length the first two of these are the control word.
    write_octets(&writer, (const uint8_t[4]) { 0, 0, 0, 0 }, 4);
    command(COMMAND_TRANSMIT);
    for (int i = 0; (TX_DONE & FIFO_EMPTY) && i < PATIENCE; ++i) {
    }
    INT_STATUS = INT_SENT;
    // Not left to the chip: QEMU's would do it before it sends, and write a received frame over this one.
    command(COMMAND_RELEASE);
    empty_chip();
    if (waiting_count > 0) {
        frame_handler();
    }
    return true;
}
