@ Reset, the exception vectors and their ways into C.

    .syntax unified
    .arch armv7-r
    .arm

#define MODE_IRQ 0x12
#define MODE_SVC 0x13
#define MODE_ABT 0x17
#define MODE_UND 0x1b
#define MASK_IRQ 0x80
#define MASK_FIQ 0x40

#define SCTLR_A  (1 << 1)       /* Trap every access that is not aligned. */
#define SCTLR_Z  (1 << 11)      /* Branch prediction. */
#define SCTLR_V  (1 << 13)      /* Vectors at 0xffff0000. */
#define SCTLR_TE (1 << 30)      /* Exceptions are taken in Thumb. */

@ The linker script puts this at address 0.
    .section .vectors, "ax"
    .global vectors
vectors:
    ldr     pc, =reset
    ldr     pc, =undefined
    ldr     pc, =supervisor
    ldr     pc, =prefetch_abort
    ldr     pc, =data_abort
    ldr     pc, =supervisor
    ldr     pc, =interrupt
    ldr     pc, =supervisor
    .ltorg

    .section .text.start, "ax"
    .global reset
    .type reset, %function
reset:
    mrc     p15, 0, r0, c1, c0, 0
    bic     r0, r0, #SCTLR_V
    bic     r0, r0, #SCTLR_TE
    orr     r0, r0, #SCTLR_A
    orr     r0, r0, #SCTLR_Z
    mcr     p15, 0, r0, c1, c0, 0
    isb

    cps     #MODE_IRQ
    ldr     sp, =_interrupt_stack_top
    cps     #MODE_ABT
    ldr     sp, =_fault_stack_top
    cps     #MODE_UND
    ldr     sp, =_fault_stack_top
    cps     #MODE_SVC
    ldr     sp, =_stack_top

    @ The image is loaded with its data in place; only what starts as zero is left.
    ldr     r0, =_bss_start
    ldr     r1, =_bss_end
    mov     r2, #0
1:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     1b
    ldr     r3, =main
    blx     r3
    ldr     r3, =board_reset
    bx      r3

@ One interrupt at a time: what C may use without saving, and back. The stack pointer is a multiple of 8 here.
interrupt:
    sub     lr, lr, #4
    push    {r0-r3, r12, lr}
    ldr     r0, =interrupt_handle
    blx     r0
    ldm     sp!, {r0-r3, r12, pc}^

@ What must never happen: all registers for fault_report(registers, kind).
    .macro  fault kind
    push    {r0-r12, lr}
    mov     r0, sp
    mov     r1, #\kind
    ldr     r2, =fault_report
    blx     r2
    .endm

undefined:
    fault   0
supervisor:
    fault   1
prefetch_abort:
    fault   2
data_abort:
    fault   3
