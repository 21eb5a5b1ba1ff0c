// Threads and mutexes as the vendor's port has them: README.md.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A word of the vendor's processors has four octets; stacks grow with those of this machine.
#define MANNERS_WORDS               (sizeof(void *) / 4)
#define MP_THREAD_MIN_STACK_SIZE    (4 * 1024 * MANNERS_WORDS)
#define MP_THREAD_DEFAULT_STACK_SIZE (33 * 1024 * MANNERS_WORDS)
#define MANNERS_MAIN_STACK          (64 * 1024 * MANNERS_WORDS)
#define MANNERS_STACK_MARGIN        (1024 * MANNERS_WORDS)

// A handle, made by mp_thread_mutex_init and given back by nobody but mp_thread_mutex_del.
typedef struct _manners_mutex_t *mp_thread_mutex_t;
void mp_thread_mutex_del(mp_thread_mutex_t *mutex);

// How many mutexes were made and not given back.
extern int manners_mutexes;

// Runs function(argument) in a thread with so much stack, and a page behind it that nobody may touch. 0, or an errno.
int manners_run(void *(*function)(void *), void *argument, size_t stack_size);

// Makes the calling thread known as the first one, that of the interpreter.
void mp_thread_init(void);
bool manners_is_main_thread(void);

// Makes the calling thread known, before it takes the GIL.
void manners_thread_begin(void);

// Keeps the octets between here and the top of this thread's stack, and the registers, for the collector.
void manners_collect_stack(void);
void mp_thread_gc_others(void);
