//! Classic BPF programs: checked once, then run without a way to fail.

use super::instruction::{
    Arithmetic, Decoded, From, Instruction, Invalid, Operation, SCRATCH, Test, Width, decode,
};

/// Instructions accepted at most; libpcap makes a few dozen of most expressions.
const MOST_INSTRUCTIONS: usize = 65_536;

/// Jumps back that one packet may cause; more refuse it. Only chains of extension headers are
/// followed by jumping back, and no real one is that long.
const MOST_JUMPS_BACK: u32 = 64;

/// A program that was checked: every jump stays inside, and only so many go back, so that it
/// comes to an end.
#[derive(Clone, Debug)]
pub struct Program {
    instructions: Vec<Instruction>,
    decoded: Vec<Decoded>,
}

impl Program {
    /// Checks a program.
    pub fn new(instructions: Vec<Instruction>) -> Result<Self, Invalid> {
        if instructions.len() > MOST_INSTRUCTIONS {
            return Err(Invalid::TooLong(instructions.len()));
        }
        let mut decoded = Vec::with_capacity(instructions.len());
        for (at, instruction) in instructions.iter().enumerate() {
            let next = decode(instruction, at)?;
            let inside =
                |distance| landing(at, distance).is_some_and(|target| target < instructions.len());
            let stays = match next.operation {
                Operation::Jump => inside(instruction.operand.cast_signed()),
                Operation::Branch(_) | Operation::BranchX(_) => {
                    inside(i32::from(instruction.jump_true.max(instruction.jump_false)))
                }
                _ => true,
            };
            if !stays {
                return Err(Invalid::Jump(at));
            }
            decoded.push(next);
        }
        match decoded.last().map(|last| last.operation) {
            Some(Operation::Return | Operation::ReturnA) => Ok(Self { instructions, decoded }),
            Some(_) => Err(Invalid::NoReturn),
            None => Err(Invalid::Empty),
        }
    }

    /// The program in the form that kernels take.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Whether the program accepts a packet with this length on the wire.
    pub fn accepts(&self, packet: &[u8], length: u32) -> bool {
        // A load behind the end of the packet and a division by zero refuse the packet.
        self.run(packet, length).unwrap_or(0) != 0
    }

    /// What the program returns of a packet; `None` where it looks beyond it.
    pub(crate) fn run(&self, packet: &[u8], length: u32) -> Option<u32> {
        let (mut a, mut x) = (0_u32, 0_u32);
        let mut scratch = [0_u32; SCRATCH];
        let mut jumps_back = 0;
        let mut at = 0_usize;
        loop {
            let Decoded { operation, operand, jump_true, jump_false } = *self.decoded.get(at)?;
            let load = |from, scratch: &[u32; SCRATCH]| match from {
                From::Packet(width) => packet_value(packet, operand, width),
                From::PacketAtX(width) => packet_value(packet, x.checked_add(operand)?, width),
                From::Operand => Some(operand),
                From::Scratch => scratch.get(operand as usize).copied(),
                From::Length => Some(length),
            };
            match operation {
                Operation::LoadA(from) => a = load(from, &scratch)?,
                Operation::LoadX(from) => x = load(from, &scratch)?,
                Operation::LoadHeaderLength => {
                    x = (packet_value(packet, operand, Width::Byte)? & 0x0f) * 4;
                }
                Operation::StoreA => *scratch.get_mut(operand as usize)? = a,
                Operation::StoreX => *scratch.get_mut(operand as usize)? = x,
                Operation::Compute(arithmetic) => a = compute(arithmetic, a, operand)?,
                Operation::ComputeX(arithmetic) => a = compute(arithmetic, a, x)?,
                Operation::Negate => a = a.wrapping_neg(),
                Operation::Jump => {
                    let target = landing(at, operand.cast_signed())?;
                    jumps_back += u32::from(target <= at);
                    if jumps_back > MOST_JUMPS_BACK {
                        return None;
                    }
                    at = target;
                    continue;
                }
                Operation::Branch(test) => {
                    at += if holds(test, a, operand) { jump_true } else { jump_false };
                }
                Operation::BranchX(test) => {
                    at += if holds(test, a, x) { jump_true } else { jump_false };
                }
                Operation::Return => return Some(operand),
                Operation::ReturnA => return Some(a),
                Operation::CopyAToX => x = a,
                Operation::CopyXToA => a = x,
            }
            at += 1;
        }
    }
}

/// Where a jump from `at` lands: its distance counts from the next instruction.
#[inline]
fn landing(at: usize, distance: i32) -> Option<usize> {
    at.checked_add(1)?.checked_add_signed(isize::try_from(distance).ok()?)
}

#[inline]
fn packet_value(packet: &[u8], at: u32, width: Width) -> Option<u32> {
    let rest = packet.get(at as usize..)?;
    match width {
        Width::Byte => rest.first().map(|&byte| u32::from(byte)),
        Width::Half => rest.first_chunk().map(|&bytes| u32::from(u16::from_be_bytes(bytes))),
        Width::Word => rest.first_chunk().map(|&bytes| u32::from_be_bytes(bytes)),
    }
}

#[inline]
fn compute(arithmetic: Arithmetic, a: u32, b: u32) -> Option<u32> {
    match arithmetic {
        Arithmetic::Add => Some(a.wrapping_add(b)),
        Arithmetic::Sub => Some(a.wrapping_sub(b)),
        Arithmetic::Mul => Some(a.wrapping_mul(b)),
        Arithmetic::Div => a.checked_div(b),
        Arithmetic::Or => Some(a | b),
        Arithmetic::And => Some(a & b),
        Arithmetic::Left => Some(a.checked_shl(b).unwrap_or(0)),
        Arithmetic::Right => Some(a.checked_shr(b).unwrap_or(0)),
        Arithmetic::Mod => a.checked_rem(b),
        Arithmetic::Xor => Some(a ^ b),
    }
}

#[inline]
fn holds(test: Test, a: u32, b: u32) -> bool {
    match test {
        Test::Equal => a == b,
        Test::Greater => a > b,
        Test::GreaterOrEqual => a >= b,
        Test::AnyBit => a & b != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn op(code: u16, jump_true: u8, jump_false: u8, operand: u32) -> Instruction {
        Instruction { code, jump_true, jump_false, operand }
    }

    const RETURN_A: Instruction =
        Instruction { code: 0x16, jump_true: 0, jump_false: 0, operand: 0 };

    /// Runs `a = left OP right` with the right side as operand and in X.
    fn computed(operation: u16, left: u32, right: u32) -> (Option<u32>, Option<u32>) {
        let run = |program: Vec<Instruction>| {
            Program::new(program).ok().and_then(|program| program.run(&[], 0))
        };
        let direct = vec![op(0x00, 0, 0, left), op(0x04 | operation, 0, 0, right), RETURN_A];
        let by_x = vec![
            op(0x01, 0, 0, right),
            op(0x00, 0, 0, left),
            op(0x0c | operation, 0, 0, 0),
            RETURN_A,
        ];
        (run(direct), run(by_x))
    }

    #[test]
    fn every_arithmetic_operation_works_on_an_operand_and_on_x() {
        let cases = [
            (0x00, u32::MAX, 2, Some(1)),
            (0x10, 1, 2, Some(u32::MAX)),
            (0x20, 0x1_0000, 0x1_0001, Some(0x1_0000)),
            (0x30, 7, 2, Some(3)),
            (0x30, 7, 0, None),
            (0x40, 0x0f, 0xf0, Some(0xff)),
            (0x50, 0x3c, 0x0f, Some(0x0c)),
            (0x60, 1, 31, Some(1 << 31)),
            (0x70, 1 << 31, 31, Some(1)),
            (0x90, 7, 4, Some(3)),
            (0x90, 7, 0, None),
            (0xa0, 0xff, 0x0f, Some(0xf0)),
        ];
        for (operation, left, right, expected) in cases {
            assert_eq!(
                computed(operation, left, right),
                (expected, expected),
                "operation {operation:#x}"
            );
        }
    }

    #[test]
    fn shifting_by_more_than_a_word_in_x_gives_zero() {
        assert_eq!(computed(0x60, 1, 32), (None, Some(0)));
        assert_eq!(computed(0x70, 1, u32::MAX), (None, Some(0)));
    }

    #[test]
    fn loads_are_big_endian_and_refuse_what_lies_behind_the_packet() {
        let packet = [0x11, 0x22, 0x33, 0x44, 0x55];
        let load = |code, at| {
            Program::new(vec![op(0x01, 0, 0, 1), op(code, 0, 0, at), RETURN_A])
                .unwrap()
                .run(&packet, 99)
        };

        assert_eq!(load(0x20, 1), Some(0x2233_4455));
        assert_eq!(load(0x28, 3), Some(0x4455));
        assert_eq!(load(0x30, 4), Some(0x55));
        assert_eq!(load(0x40, 0), Some(0x2233_4455));
        assert_eq!(load(0x80, 0), Some(99));
        assert_eq!(load(0x20, 2), None);
        assert_eq!(load(0x30, u32::MAX), None);
        assert_eq!(load(0x50, u32::MAX), None);
    }

    #[test]
    fn the_header_length_load_takes_the_low_four_bits_times_four() {
        let program = Program::new(vec![op(0xb1, 0, 0, 1), op(0x87, 0, 0, 0), RETURN_A]).unwrap();

        assert_eq!(program.run(&[0, 0x46], 0), Some(24));
        assert_eq!(program.run(&[0], 0), None);
    }

    #[test]
    fn scratch_words_keep_what_is_stored() {
        let program = Program::new(vec![
            op(0x00, 0, 0, 5),
            op(0x02, 0, 0, 15),
            op(0x61, 0, 0, 15),
            op(0x03, 0, 0, 0),
            op(0x60, 0, 0, 0),
            RETURN_A,
        ])
        .unwrap();

        assert_eq!(program.run(&[], 0), Some(5));
    }

    #[test]
    fn a_program_that_could_run_astray_is_refused() {
        let end = op(0x06, 0, 0, 1);
        let refused = |program: Vec<Instruction>| Program::new(program).unwrap_err();

        assert_eq!(refused(vec![]), Invalid::Empty);
        assert_eq!(refused(vec![op(0x00, 0, 0, 0)]), Invalid::NoReturn);
        assert_eq!(refused(vec![op(0x05, 0, 0, 1), end]), Invalid::Jump(0));
        assert_eq!(refused(vec![op(0x05, 0, 0, i32::MAX as u32), end]), Invalid::Jump(0));
        assert_eq!(refused(vec![end, op(0x05, 0, 0, (-3_i32) as u32), end]), Invalid::Jump(1));
        assert_eq!(refused(vec![op(0x15, 0, 1, 0), end]), Invalid::Jump(0));
        assert_eq!(refused(vec![op(0x02, 0, 0, 16), end]), Invalid::Scratch(0));
        assert_eq!(refused(vec![end, op(0x34, 0, 0, 0), end]), Invalid::Operand(1));
        assert_eq!(refused(vec![op(0x64, 0, 0, 32), end]), Invalid::Operand(0));
        assert_eq!(refused(vec![op(0xff00, 0, 0, 0), end]), Invalid::Unknown(0));
        assert_eq!(refused(vec![end; MOST_INSTRUCTIONS + 1]), Invalid::TooLong(65_537));
    }

    #[test]
    fn a_loop_comes_to_an_end() {
        let back = |distance: i32| op(0x05, 0, 0, distance.cast_unsigned());
        let endless = Program::new(vec![back(-1), RETURN_A]).unwrap();
        // Counts the packet's first byte up to the operand of the test, then accepts.
        let counting = |until| {
            Program::new(vec![
                op(0x30, 0, 0, 0),
                op(0x15, 2, 0, until),
                op(0x04, 0, 0, 1),
                back(-3),
                op(0x06, 0, 0, 1),
            ])
            .unwrap()
        };

        assert_eq!(endless.run(&[], 0), None);
        assert_eq!(counting(64).run(&[0], 0), Some(1));
        assert_eq!(counting(65).run(&[0], 0), None);
    }

    proptest! {
        #[test]
        fn no_program_and_no_packet_can_make_it_fail(
            program in prop::collection::vec((0..0x100_u16, 0..4_u8, 0..4_u8, 0..40_u32), 1..40),
            packet in prop::collection::vec(any::<u8>(), 0..64),
            length in any::<u32>(),
        ) {
            let mut program: Vec<_> =
                program.into_iter().map(|(code, t, f, k)| op(code, t, f, k)).collect();
            // Unknown instructions are dropped, so that most programs are accepted and run.
            program.retain(|instruction| decode(instruction, 0).is_ok());
            program.extend([op(0x06, 0, 0, 1); 40]);

            let program = Program::new(program).unwrap();

            let first = program.accepts(&packet, length);
            prop_assert_eq!(first, program.accepts(&packet, length));
        }
    }
}
