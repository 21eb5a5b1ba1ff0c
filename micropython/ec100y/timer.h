// Time: a clock that counts microseconds, an alarm to wake the processor, a periodic call, and the time of day.
#pragma once

#include <stdint.h>

void timer_init(void);

// Microseconds since the start.
uint64_t timer_now_us(void);

// Has an interrupt come in us microseconds, or at once if that is 0; it does nothing but wake the processor.
void timer_set_alarm_us(uint32_t us);
void timer_clear_alarm(void);

// Has handler called every ms milliseconds, by interrupt.
void timer_call_every_ms(uint32_t ms, void (*handler)(void));

// Seconds since 1970.
uint32_t timer_time_of_day(void);
