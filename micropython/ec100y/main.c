// From power-on to the REPL: the interpreter's heap and stack, the file system, boot.py and main.py, and again on Ctrl-D.

#include "py/builtin.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "board.h"
#include "interrupt.h"
#include "network.h"
#include "timer.h"
#include "uart.h"

// Left below the limit for C that does not look: interrupts have a stack of their own.
#define STACK_RESERVE (4 * 1024)

extern char _stack_top, _stack_bottom;
static char heap[MICROPY_HEAP_SIZE] __attribute__((aligned(16)));

static void run_scripts(void) {
    pyexec_frozen_module("_boot.py", false);
    int result = pyexec_file_if_exists("boot.py");
    if (!(result & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        pyexec_file_if_exists("main.py");
    }
}

static void run_repl(void) {
    int result;
    do {
        result = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
    } while (result == 0);
}

int main(void) {
    interrupt_init();
    uart_init();
    timer_init();
    interrupt_unmask();
    network_init();
    for (;;) {
        mp_cstack_init_with_top(&_stack_top, &_stack_top - &_stack_bottom - STACK_RESERVE);
        gc_init(heap, heap + sizeof(heap));
        mp_init();
        readline_init0();
        run_scripts();
        run_repl();
        mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
        // Finalisers close what a script left open, sockets and files.
        gc_sweep_all();
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

void nlr_jump_fail(void *val) {
    (void)val;
    mp_hal_stdout_tx_str("FATAL: an exception that nobody takes\r\n");
    board_reset();
}
