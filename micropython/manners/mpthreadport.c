// Threads and mutexes as the vendor's port has them, made of POSIX threads.
#define _GNU_SOURCE // for REG_RSP
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "py/gc.h"
#include "py/mpthread.h"
#include "py/mpstate.h"
#include "py/runtime.h"

#define COLLECT_SIGNAL (SIGRTMIN + 5)

enum { PAGE = 4096, SIGNAL_STACK = 64 * 1024, PROBE_STACK = 256 * 1024 };

// Whoever frees it hands it on to the one who has waited longest, as the SDK's operating system does.
struct _manners_mutex_t {
    pthread_mutex_t lock;
    pthread_cond_t turn;
    unsigned next;
    unsigned served;
};

int manners_mutexes;

void mp_thread_mutex_init(mp_thread_mutex_t *mutex) {
    struct _manners_mutex_t *made = calloc(1, sizeof(*made));
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->turn, NULL);
    __atomic_fetch_add(&manners_mutexes, 1, __ATOMIC_RELAXED);
    *mutex = made;
}

void mp_thread_mutex_del(mp_thread_mutex_t *mutex) {
    pthread_cond_destroy(&(*mutex)->turn);
    pthread_mutex_destroy(&(*mutex)->lock);
    free(*mutex);
    *mutex = NULL;
    __atomic_fetch_sub(&manners_mutexes, 1, __ATOMIC_RELAXED);
}

// 0: got it, -1: not.
int mp_thread_mutex_lock(mp_thread_mutex_t *mutex, int wait) {
    struct _manners_mutex_t *self = *mutex;
    int result = 0;
    pthread_mutex_lock(&self->lock);
    if (!wait && self->next != self->served) {
        result = -1;
    } else {
        unsigned mine = self->next++;
        while (self->served != mine) {
            pthread_cond_wait(&self->turn, &self->lock);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return result;
}

void mp_thread_mutex_unlock(mp_thread_mutex_t *mutex) {
    struct _manners_mutex_t *self = *mutex;
    pthread_mutex_lock(&self->lock);
    ++self->served;
    pthread_cond_broadcast(&self->turn);
    pthread_mutex_unlock(&self->lock);
}

// What the module _thread of MicroPython is linked to: it takes 1 for success, and the vendor has changed it to take 0.
int manners_lock_for_python(mp_thread_mutex_t *mutex, int wait) {
    return mp_thread_mutex_lock(mutex, wait) == 0;
}

// All threads that run Python.
typedef struct _thread_t {
    pthread_t id;
    void *arg; // for the collector
    bool has_state;
    stack_t signal_stack;
    struct _thread_t *next;
} thread_t;

static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static thread_t *threads;
static pthread_t main_thread;
static __thread mp_state_thread_t *this_state;
static sem_t collected;

mp_state_thread_t *mp_thread_get_state(void) {
    return this_state;
}

void mp_thread_set_state(mp_state_thread_t *state) {
    this_state = state;
}

mp_uint_t mp_thread_get_id(void) {
    return (mp_uint_t)pthread_self();
}

bool manners_is_main_thread(void) {
    return pthread_equal(pthread_self(), main_thread);
}

static __attribute__((noinline)) void collect_callers(void) {
    void **here = __builtin_frame_address(0);
    gc_collect_root(here, (size_t)((void **)MP_STATE_THREAD(stack_top) - here));
}

__attribute__((noinline)) void manners_collect_stack(void) {
    __builtin_unwind_init(); // all registers that calls keep go into this function's frame
    collect_callers();
    __asm__ volatile (""); // it returns here, and the frame is there until then
}

// On a stack of its own: those of the threads are too small for what the system puts there with a signal.
static void collect_this_thread(int signal, siginfo_t *info, void *context) {
    (void)signal;
    (void)info;
    ucontext_t *interrupted = context;
    #if defined(__x86_64__)
    uintptr_t at = (uintptr_t)interrupted->uc_mcontext.gregs[REG_RSP] - 128; // the red zone below it
    #elif defined(__i386__)
    uintptr_t at = (uintptr_t)interrupted->uc_mcontext.gregs[REG_ESP];
    #elif defined(__aarch64__)
    uintptr_t at = (uintptr_t)interrupted->uc_mcontext.sp;
    #else
    #error "where is the stack pointer?"
    #endif
    gc_collect_root((void **)&interrupted->uc_mcontext, sizeof(interrupted->uc_mcontext) / sizeof(void *));
    void **here = (void **)(at & ~(sizeof(void *) - 1));
    gc_collect_root(here, (size_t)((void **)MP_STATE_THREAD(stack_top) - here));
    sem_post(&collected);
}

// This thread holds the GIL, so all others stand still where no Python object moves.
void mp_thread_gc_others(void) {
    pthread_mutex_lock(&threads_lock);
    for (thread_t *thread = threads; thread != NULL; thread = thread->next) {
        gc_collect_root(&thread->arg, 1);
        if (thread->has_state && !pthread_equal(thread->id, pthread_self())) {
            pthread_kill(thread->id, COLLECT_SIGNAL);
            while (sem_wait(&collected) != 0) {
            }
        }
    }
    pthread_mutex_unlock(&threads_lock);
}

// A thread that is to begin: from now on the collector looks at its argument.
static thread_t *add_thread(void *arg) {
    thread_t *thread = calloc(1, sizeof(*thread));
    thread->arg = arg;
    pthread_mutex_lock(&threads_lock);
    thread->next = threads;
    threads = thread;
    pthread_mutex_unlock(&threads_lock);
    return thread;
}

// It has begun, and is this one.
static void begin_thread(thread_t *thread) {
    thread->signal_stack = (stack_t) { .ss_sp = malloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK };
    sigaltstack(&thread->signal_stack, NULL);
    pthread_mutex_lock(&threads_lock);
    thread->id = pthread_self();
    pthread_mutex_unlock(&threads_lock);
}

// From now on the collector looks at this thread's stack.
static void open_to_collector(void) {
    pthread_mutex_lock(&threads_lock);
    for (thread_t *thread = threads; thread != NULL; thread = thread->next) {
        if (pthread_equal(thread->id, pthread_self())) {
            thread->has_state = true;
        }
    }
    pthread_mutex_unlock(&threads_lock);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, COLLECT_SIGNAL);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void mp_thread_init(void) {
    main_thread = pthread_self();
    sem_init(&collected, 0, 0);
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    action.sa_sigaction = collect_this_thread;
    sigaction(COLLECT_SIGNAL, &action, NULL);
    mp_thread_set_state(&mp_state_ctx.thread);
    manners_thread_begin();
}

void manners_thread_begin(void) {
    begin_thread(add_thread(NULL));
    open_to_collector();
}

// MicroPython calls this when the thread has its state, and then takes the GIL.
void mp_thread_start(void) {
    open_to_collector();
}

void mp_thread_finish(void) {
    pthread_mutex_lock(&threads_lock);
    thread_t **place = &threads;
    while (!pthread_equal((*place)->id, pthread_self())) {
        place = &(*place)->next;
    }
    thread_t *ended = *place;
    *place = ended->next;
    pthread_mutex_unlock(&threads_lock);
    stack_t none = { .ss_flags = SS_DISABLE };
    sigset_t signals;
    sigfillset(&signals);
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
    sigaltstack(&none, NULL);
    free(ended->signal_stack.ss_sp);
    free(ended);
}

// A thread's stack, with what the C library keeps at its top.
typedef struct {
    void *(*function)(void *);
    void *argument;
    char *stack;
    size_t len;
} start_t;

// How much of a stack is gone before the thread's own first frame.
static size_t taken_by_library;

static void *probe(void *top) {
    return (void *)((char *)top - (char *)__builtin_frame_address(0));
}

static void *map_stack(size_t len) {
    char *stack = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED || mprotect(stack, PAGE, PROT_NONE) != 0) {
        return NULL;
    }
    return stack;
}

// pthread_create() on this stack, above its page that nobody may touch.
static int create(pthread_t *thread, char *stack, size_t len, void *(*function)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int error = pthread_attr_setstack(&attributes, stack + PAGE, len - PAGE);
    if (error == 0) {
        error = pthread_create(thread, &attributes, function, argument);
    }
    pthread_attr_destroy(&attributes);
    return error;
}

static size_t measure_library(void) {
    char *stack = map_stack(PROBE_STACK);
    pthread_t thread;
    void *taken;
    if (stack == NULL || create(&thread, stack, PROBE_STACK, probe, stack + PROBE_STACK) != 0) {
        abort();
    }
    pthread_join(thread, &taken);
    munmap(stack, PROBE_STACK);
    return (size_t)taken;
}

static void *start(void *argument) {
    start_t begin = *(start_t *)argument;
    free(argument);
    // The stack stays: who runs on it cannot give it back, and tests make few threads.
    return begin.function(begin.argument);
}

static int run(pthread_t *thread, void *(*function)(void *), void *argument, size_t stack_size) {
    if (taken_by_library == 0) {
        taken_by_library = measure_library();
    }
    size_t len = PAGE + ((stack_size + taken_by_library + PAGE - 1) & ~(size_t)(PAGE - 1));
    char *stack = map_stack(len);
    start_t *begin = malloc(sizeof(*begin));
    if (stack == NULL || begin == NULL) {
        return ENOMEM;
    }
    *begin = (start_t) { function, argument, stack, len };
    int error = create(thread, stack, len, start, begin);
    if (error == 0) {
        pthread_detach(*thread);
    }
    return error;
}

int manners_run(void *(*function)(void *), void *argument, size_t stack_size) {
    pthread_t thread;
    return run(&thread, function, argument, stack_size);
}

// MicroPython's own entry, of which there is one only.
static void *(*python_entry)(void *);

static void *run_python(void *argument) {
    thread_t *thread = argument;
    begin_thread(thread);
    return python_entry(thread->arg);
}

#if MANNERS_OLD
void mp_thread_create(void *(*entry)(void *), void *argument, size_t *stack_size) {
#else
mp_uint_t mp_thread_create(void *(*entry)(void *), void *argument, size_t *stack_size) {
#endif
    if (*stack_size == 0) {
        *stack_size = MP_THREAD_DEFAULT_STACK_SIZE;
    } else {
        // Whoever asks for a size counts in the vendor's words.
        *stack_size = MAX(*stack_size * MANNERS_WORDS, MP_THREAD_MIN_STACK_SIZE);
    }
    python_entry = entry;
    pthread_t thread;
    int error = run(&thread, run_python, add_thread(argument), *stack_size);
    if (error != 0) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("can't create thread"));
    }
    *stack_size -= MANNERS_STACK_MARGIN;
    #if !MANNERS_OLD
    return (mp_uint_t)thread;
    #endif
}
