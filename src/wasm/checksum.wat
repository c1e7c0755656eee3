;; The sum of the Internet checksum (RFC 1071) by vector instructions: `sum(start, length)` adds up the 16-bit words of
;; memory[start, start + length) in the order of the machine (little endian), for lengths of 16 to 65,535. An odd last octet
;; counts as the lower half of a word, which is its upper half on the wire.
;;
;; Four vectors a turn. `extadd_pairwise` makes four sums of two words each out of a vector of eight, so a lane gets at most
;; 2^17 a vector and 2^29 in all: nothing overflows, also when the lanes are added up.
(module
  (memory (export "memory") 128 128)
  (func (export "sum") (param $at i32) (param $length i32) (result i32)
    (local $end i32)
    (local $sums v128)
    (local $more v128)
    (local $total i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (block $short
      (loop $four
        (br_if $short (i32.gt_u (i32.add (local.get $at) (i32.const 64)) (local.get $end)))
        (local.set $sums
          (i32x4.add
            (local.get $sums)
            (i32x4.add
              (i32x4.extadd_pairwise_i16x8_u (v128.load (local.get $at)))
              (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 (local.get $at))))))
        (local.set $more
          (i32x4.add
            (local.get $more)
            (i32x4.add
              (i32x4.extadd_pairwise_i16x8_u (v128.load offset=32 (local.get $at)))
              (i32x4.extadd_pairwise_i16x8_u (v128.load offset=48 (local.get $at))))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $four)))
    (local.set $sums (i32x4.add (local.get $sums) (local.get $more)))
    (block $shorter
      (loop $one
        (br_if $shorter (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $sums
          (i32x4.add (local.get $sums) (i32x4.extadd_pairwise_i16x8_u (v128.load (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $one)))
    (local.set $total
      (i32.add
        (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums)))
        (i32.add (i32x4.extract_lane 2 (local.get $sums)) (i32x4.extract_lane 3 (local.get $sums)))))
    (block $odd
      (loop $word
        (br_if $odd (i32.gt_u (i32.add (local.get $at) (i32.const 2)) (local.get $end)))
        (local.set $total (i32.add (local.get $total) (i32.load16_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br $word)))
    (if (i32.lt_u (local.get $at) (local.get $end))
      (then (local.set $total (i32.add (local.get $total) (i32.load8_u (local.get $at))))))
    (local.get $total)))
