// A script from the command line to its exit code, in a thread with the vendor's stack and heap.
//
//     micropython [-X ANYTHING] (-c CODE | SCRIPT) [ARGUMENT...]
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/builtin.h"
#include "py/compile.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "py/stackctrl.h"

#if MICROPY_VFS
#include "extmod/vfs.h"
#include "extmod/vfs_posix.h"
#endif

#include "callbackdeal.h"
#include "wire.h"

static char heap[MANNERS_HEAP] __attribute__((aligned(16)));
static int arguments;
static char **argument;

void gc_collect(void) {
    gc_collect_start();
    manners_collect_stack();
    mp_thread_gc_others();
    gc_collect_end();
}

void nlr_jump_fail(void *value) {
    fprintf(stderr, "FATAL: uncaught NLR %p\n", value);
    abort();
}

// What sys.exit(value) makes of the process.
static int exit_code(mp_obj_t exception) {
    mp_obj_t value = mp_obj_exception_get_value(exception);
    if (value == mp_const_none) {
        return 0;
    }
    if (mp_obj_is_int(value)) {
        return (int)mp_obj_get_int(value);
    }
    mp_obj_print_helper(&mp_plat_print, value, PRINT_STR);
    mp_print_str(&mp_plat_print, "\n");
    return 1;
}

static void execute(mp_lexer_t *lexer) {
    qstr name = lexer->source_name;
    #if MICROPY_PY___FILE__
    mp_store_global(MP_QSTR___file__, MP_OBJ_NEW_QSTR(name));
    #endif
    mp_parse_tree_t tree = mp_parse(lexer, MP_PARSE_FILE_INPUT);
    mp_call_function_0(mp_compile(&tree, name, false));
}

static int run(const char *code, const char *script) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        if (code != NULL) {
            execute(mp_lexer_new_from_str_len(MP_QSTR__lt_stdin_gt_, code, strlen(code), 0));
        } else {
            #if MANNERS_OLD
            execute(mp_lexer_new_from_file(script));
            #else
            execute(mp_lexer_new_from_file(qstr_from_str(script)));
            #endif
        }
        mp_handle_pending(true);
        nlr_pop();
        return 0;
    }
    mp_obj_t raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    mp_handle_pending(false);
    if (mp_obj_exception_match(raised, MP_OBJ_FROM_PTR(&mp_type_SystemExit))) {
        return exit_code(raised);
    }
    mp_obj_print_exception(&mp_plat_print, raised);
    return 1;
}

static void append(mp_obj_t list, const char *text, size_t len) {
    mp_obj_list_append(list, mp_obj_new_str(text, len));
}

// sys.path: where the script is, then MICROPYPATH.
static void set_path(const char *script) {
    #if MANNERS_OLD
    mp_obj_list_init(MP_OBJ_TO_PTR(mp_sys_path), 0);
    #else
    mp_sys_path = mp_obj_new_list(0, NULL);
    #endif
    const char *slash = script == NULL ? NULL : strrchr(script, '/');
    append(mp_sys_path, script, slash == NULL ? 0 : (size_t)(slash - script));
    const char *path = getenv("MICROPYPATH");
    for (const char *part = path == NULL ? "" : path; *part != 0;) {
        size_t len = strcspn(part, ":");
        append(mp_sys_path, part, len);
        part += len + (part[len] == ':');
    }
}

static void mount_machine(void) {
    #if MICROPY_VFS
    mp_obj_t args[2] = { mp_call_function_0(MP_OBJ_FROM_PTR(&mp_type_vfs_posix)), MP_OBJ_NEW_QSTR(MP_QSTR__slash_) };
    mp_vfs_mount(2, args, (mp_map_t *)&mp_const_empty_map);
    MP_STATE_VM(vfs_cur) = MP_STATE_VM(vfs_mount_table);
    #endif
}

static int run_arguments(void) {
    int at = 1;
    while (at + 1 < arguments && strcmp(argument[at], "-X") == 0) {
        at += 2; // heapsize=, say: the heap is what it is
    }
    const char *code = NULL;
    if (at + 1 < arguments && strcmp(argument[at], "-c") == 0) {
        code = argument[at + 1];
        argument[++at] = (char *)"-c";
    } else if (at >= arguments) {
        fprintf(stderr, "usage: %s [-c CODE | SCRIPT] [ARGUMENT...]\n", argument[0]);
        return 2;
    }
    set_path(code == NULL ? argument[at] : NULL);
    mp_obj_list_init(MP_OBJ_TO_PTR(mp_sys_argv), 0);
    for (int i = at; i < arguments; ++i) {
        append(mp_sys_argv, argument[i], strlen(argument[i]));
    }
    return run(code, argument[at]);
}

// The vendor's task of the interpreter.
static void *interpret(void *unused) {
    (void)unused;
    int top;
    mp_thread_init();
    mp_stack_set_top(&top);
    mp_stack_set_limit(MANNERS_MAIN_STACK - MANNERS_STACK_MARGIN);
    gc_init(heap, heap + sizeof(heap));
    mp_init();
    mount_machine();
    callbackdeal_start();
    int code = run_arguments();
    // At once: other threads may still be running.
    _Exit(code & 0xff);
}

// Ctrl-C, as the interrupt of the serial port brings it: from outside of all threads that run Python.
static void interrupt(void) {
    #if MICROPY_VERSION_MINOR < 14 // it was renamed
    mp_keyboard_interrupt();
    #else
    mp_sched_keyboard_interrupt();
    #endif
    manners_wake_main_thread();
}

int main(int argc, char **argv) {
    arguments = argc;
    argument = argv;
    // For this thread alone, which does nothing else. No thread that runs Python is ever interrupted in a system call.
    sigset_t signals, interrupts;
    sigfillset(&signals);
    sigdelset(&signals, SIGSEGV);
    sigdelset(&signals, SIGBUS);
    sigdelset(&signals, SIGABRT);
    sigdelset(&signals, SIGTERM);
    pthread_sigmask(SIG_SETMASK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    wire_start();
    int error = manners_run(interpret, NULL, MANNERS_MAIN_STACK);
    if (error != 0) {
        fprintf(stderr, "no thread: %s\n", strerror(error));
        return 1;
    }
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    for (;;) {
        int came;
        if (sigwait(&interrupts, &came) == 0) {
            interrupt();
        }
    }
}
