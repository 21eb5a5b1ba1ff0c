// Time, from two SP804 (timers of 32 bits that count down at 1 MHz) and a PL031. The board has no tick: when nothing is to
// be done nothing wakes it, but the alarm that whoever waits has set.

#include "py/mpconfig.h"
#include "board.h"
#include "interrupt.h"
#include "timer.h"

typedef struct _sp804_t {
    volatile uint32_t load, value, control, int_clear, int_raw, int_masked, background_load, unused;
} sp804_t;

#define CLOCK       ((sp804_t *)(BOARD_TIMERS))
#define ALARM       ((sp804_t *)(BOARD_TIMERS + 0x20))
#define PERIODIC    ((sp804_t *)(BOARD_TIMERS_2))

#define CONTROL_ONE_SHOT    (1 << 0)
#define CONTROL_32_BITS     (1 << 1)
#define CONTROL_INTERRUPT   (1 << 5)
#define CONTROL_PERIODIC    (1 << 6)
#define CONTROL_ON          (1 << 7)

// Times that CLOCK came round, every 72 minutes.
static volatile uint32_t rounds;
static void (*periodic_handler)(void);

static void clock_or_alarm(void) {
    if (CLOCK->int_masked) {
        CLOCK->int_clear = 0;
        ++rounds;
    }
    ALARM->int_clear = 0;
}

static void periodic(void) {
    PERIODIC->int_clear = 0;
    periodic_handler();
}

void timer_init(void) {
    CLOCK->load = UINT32_MAX;
    CLOCK->control = CONTROL_ON | CONTROL_PERIODIC | CONTROL_INTERRUPT | CONTROL_32_BITS;
    interrupt_connect(BOARD_IRQ_TIMERS, clock_or_alarm);
}

uint64_t timer_now_us(void) {
    uint32_t state = interrupt_mask();
    uint32_t high = rounds;
    uint32_t low = ~CLOCK->value;
    if (CLOCK->int_raw) {
        // It has come round, and the interrupt is still to be taken.
        ++high;
        low = ~CLOCK->value;
    }
    interrupt_restore(state);
    return (uint64_t)high << 32 | low;
}

void timer_set_alarm_us(uint32_t us) {
    ALARM->control = 0;
    ALARM->int_clear = 0;
    // Loading 0 asks for nothing.
    ALARM->load = us > 0 ? us : 1;
    ALARM->control = CONTROL_ON | CONTROL_ONE_SHOT | CONTROL_INTERRUPT | CONTROL_32_BITS;
}

void timer_clear_alarm(void) {
    ALARM->control = 0;
    ALARM->int_clear = 0;
}

void timer_call_every_ms(uint32_t ms, void (*handler)(void)) {
    periodic_handler = handler;
    interrupt_connect(BOARD_IRQ_TIMERS_2, periodic);
    PERIODIC->load = ms * 1000;
    PERIODIC->control = CONTROL_ON | CONTROL_PERIODIC | CONTROL_INTERRUPT | CONTROL_32_BITS;
}

uint32_t timer_time_of_day(void) {
    return BOARD_REGISTER(BOARD_CLOCK);
}
