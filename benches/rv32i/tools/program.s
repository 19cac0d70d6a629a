# The guest program of the rv32i bench. On entry a0 = rounds; sp = top of memory.
# Each round: fills an array with xorshift32 words, shell-sorts it, runs a byte sieve and takes a
# bitwise CRC-32 of the sorted array; the CRC seeds the next round. ecall 1 reports a0, ecall 93 stops.
start:
        mv      s0, a0              # rounds left
        li      s1, 0x12345678      # generator state
        la      s2, array
        li      s3, 256             # words in the array
        la      s4, flags
        li      s5, 2000            # size of the sieve
round:
        beqz    s0, finish
        call    fill
        call    shellsort
        call    check
        call    sieve
        mv      s6, a0
        li      a7, 1
        ecall                       # report the number of primes
        call    crc
        li      a7, 1
        ecall                       # report the CRC
        xor     s1, s1, a0
        add     s1, s1, s6
        bnez    s1, next
        li      s1, 1
next:
        addi    s0, s0, -1
        j       round
finish:
        li      a7, 93
        li      a0, 0
        ecall

# Fills the array from the generator in s1.
fill:
        mv      t0, s2
        mv      t1, s3
fill_loop:
        slli    t2, s1, 13
        xor     s1, s1, t2
        srli    t2, s1, 17
        xor     s1, s1, t2
        slli    t2, s1, 5
        xor     s1, s1, t2
        sw      s1, 0(t0)
        addi    t0, t0, 4
        addi    t1, t1, -1
        bnez    t1, fill_loop
        ret

# Sorts the array as signed words; the gap is halved each pass.
shellsort:
        srli    t0, s3, 1           # gap
sort_gap:
        beqz    t0, sort_done
        mv      t1, t0              # i
sort_i:
        bge     t1, s3, sort_next
        slli    t2, t1, 2
        add     t2, t2, s2
        lw      t3, 0(t2)           # the word to insert
        mv      t4, t1              # j
        slli    t5, t0, 2           # gap in bytes
sort_j:
        blt     t4, t0, sort_place
        sub     a1, t2, t5
        lw      a2, 0(a1)
        ble     a2, t3, sort_place
        sw      a2, 0(t2)
        mv      t2, a1
        sub     t4, t4, t0
        j       sort_j
sort_place:
        sw      t3, 0(t2)
        addi    t1, t1, 1
        j       sort_i
sort_next:
        srli    t0, t0, 1
        j       sort_gap
sort_done:
        ret

# Stops with code 1 when the array is not in order. Uses the stack, as compiled code would.
check:
        addi    sp, sp, -16
        sw      ra, 12(sp)
        sw      s0, 8(sp)
        mv      s0, s2
        addi    t1, s3, -1
check_loop:
        lw      a0, 0(s0)
        lw      a1, 4(s0)
        call    ordered
        beqz    a0, check_fail
        addi    s0, s0, 4
        addi    t1, t1, -1
        bnez    t1, check_loop
        lw      s0, 8(sp)
        lw      ra, 12(sp)
        addi    sp, sp, 16
        ret
check_fail:
        li      a0, 1
        li      a7, 93
        ecall
ordered:
        slt     a0, a1, a0
        xori    a0, a0, 1
        ret

# Counts the primes below s5 with one byte per number; the count is the result.
sieve:
        mv      t0, zero
sieve_clear:
        add     t1, s4, t0
        sb      zero, 0(t1)
        addi    t0, t0, 1
        blt     t0, s5, sieve_clear
        li      a0, 0
        li      t0, 2
        li      t3, 1
sieve_i:
        add     t1, s4, t0
        lbu     t2, 0(t1)
        bnez    t2, sieve_next
        addi    a0, a0, 1
        add     t1, t0, t0
sieve_j:
        bge     t1, s5, sieve_next
        add     t2, s4, t1
        sb      t3, 0(t2)
        add     t1, t1, t0
        j       sieve_j
sieve_next:
        addi    t0, t0, 1
        blt     t0, s5, sieve_i
        ret

# CRC-32 of the array, bit by bit.
crc:
        li      t5, 0xEDB88320
        li      a0, -1
        mv      t0, s2
        slli    t1, s3, 2
        add     t1, t1, s2
crc_byte:
        lbu     t2, 0(t0)
        xor     a0, a0, t2
        li      t3, 8
crc_bit:
        andi    t4, a0, 1
        sub     t4, zero, t4        # all ones when the low bit was set
        and     t4, t4, t5
        srli    a0, a0, 1
        xor     a0, a0, t4
        addi    t3, t3, -1
        bnez    t3, crc_bit
        addi    t0, t0, 1
        bltu    t0, t1, crc_byte
        not     a0, a0
        ret

array:  .space  1024
flags:  .space  2000
