//! Classic BPF programs: checked once, then run without a way to fail.

use std::fmt;

/// Instructions accepted at most; libpcap makes a few dozen of most expressions.
const MOST_INSTRUCTIONS: usize = 65_536;

/// Scratch words of the machine.
const SCRATCH: usize = 16;

// Fields of an operation code.
const CLASS: u16 = 0x07;
const SIZE: u16 = 0x18;
const MODE: u16 = 0xe0;
const OPERATION: u16 = 0xf0;
const FROM_X: u16 = 0x08;

/// An instruction in the form that compilers and kernels exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Operation code.
    pub code: u16,
    /// Instructions to pass over when a test holds.
    pub jump_true: u8,
    /// Instructions to pass over when it does not.
    pub jump_false: u8,
    /// Operand.
    pub operand: u32,
}

/// Why a program was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// It has no instructions.
    Empty,
    /// It has too many.
    TooLong(usize),
    /// The instruction at this place has an unknown operation code.
    Unknown(usize),
    /// The instruction at this place jumps behind the end.
    Jump(usize),
    /// The instruction at this place names a scratch word that does not exist.
    Scratch(usize),
    /// The instruction at this place divides by zero, or shifts out every bit.
    Operand(usize),
    /// The last instruction does not return.
    NoReturn,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::Empty => f.write_str("the program is empty"),
            Invalid::TooLong(count) => write!(f, "the program has {count} instructions"),
            Invalid::Unknown(at) => write!(f, "instruction {at} is unknown"),
            Invalid::Jump(at) => write!(f, "instruction {at} jumps behind the end"),
            Invalid::Scratch(at) => write!(f, "instruction {at} names an unknown scratch word"),
            Invalid::Operand(at) => write!(f, "instruction {at} has an impossible operand"),
            Invalid::NoReturn => f.write_str("the program does not end with a return"),
        }
    }
}

impl std::error::Error for Invalid {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Byte,
    Half,
    Word,
}

/// Where a load finds its bytes or its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// In the packet at the operand.
    Packet(Width),
    /// In the packet at X plus the operand.
    PacketAtX(Width),
    Operand,
    Scratch,
    /// The length on the wire.
    Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Or,
    And,
    Left,
    Right,
    Mod,
    Xor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    Greater,
    GreaterOrEqual,
    AnyBit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    LoadA(From),
    LoadX(From),
    /// X becomes the length of the IPv4 header at the operand.
    LoadHeaderLength,
    StoreA,
    StoreX,
    Compute(Arithmetic),
    ComputeX(Arithmetic),
    Negate,
    Jump,
    Branch(Test),
    BranchX(Test),
    Return,
    ReturnA,
    CopyAToX,
    CopyXToA,
}

/// An instruction as it is run.
#[derive(Clone, Copy, Debug)]
struct Decoded {
    operation: Operation,
    operand: u32,
    jump_true: u32,
    jump_false: u32,
}

/// A program that was checked: every jump goes forward and stays inside, so it comes to an end.
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
            let left = (instructions.len() - at - 1) as u64;
            let furthest = match next.operation {
                Operation::Jump => Some(u64::from(instruction.operand)),
                Operation::Branch(_) | Operation::BranchX(_) => {
                    Some(u64::from(instruction.jump_true.max(instruction.jump_false)))
                }
                _ => None,
            };
            if furthest.is_some_and(|distance| distance >= left) {
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

    fn run(&self, packet: &[u8], length: u32) -> Option<u32> {
        let (mut a, mut x) = (0_u32, 0_u32);
        let mut scratch = [0_u32; SCRATCH];
        let mut rest = self.decoded.iter();
        loop {
            let Decoded { operation, operand, jump_true, jump_false } = *rest.next()?;
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
                Operation::Jump => skip(&mut rest, operand),
                Operation::Branch(test) => {
                    skip(&mut rest, if holds(test, a, operand) { jump_true } else { jump_false });
                }
                Operation::BranchX(test) => {
                    skip(&mut rest, if holds(test, a, x) { jump_true } else { jump_false });
                }
                Operation::Return => return Some(operand),
                Operation::ReturnA => return Some(a),
                Operation::CopyAToX => x = a,
                Operation::CopyXToA => a = x,
            }
        }
    }
}

#[inline]
fn skip(rest: &mut std::slice::Iter<'_, Decoded>, count: u32) {
    if let Some(last) = count.checked_sub(1) {
        rest.nth(last as usize);
    }
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

/// Reads an instruction and checks all of it that does not depend on the others.
fn decode(instruction: &Instruction, at: usize) -> Result<Decoded, Invalid> {
    let Instruction { code, jump_true, jump_false, operand } = *instruction;
    let from_x = code & FROM_X != 0;
    let operation = match code & CLASS {
        0x00 => source_of(code).map(Operation::LoadA),
        0x01 if code & MODE == 0xa0 && code & SIZE == 0x10 => Some(Operation::LoadHeaderLength),
        0x01 => source_of(code)
            .filter(|from| matches!(from, From::Operand | From::Scratch | From::Length))
            .map(Operation::LoadX),
        0x02 => Some(Operation::StoreA),
        0x03 => Some(Operation::StoreX),
        0x04 if code & OPERATION == 0x80 => Some(Operation::Negate),
        0x04 => arithmetic_of(code).map(|arithmetic| match from_x {
            true => Operation::ComputeX(arithmetic),
            false => Operation::Compute(arithmetic),
        }),
        0x05 if code & OPERATION == 0 => Some(Operation::Jump),
        0x05 => test_of(code).map(|test| match from_x {
            true => Operation::BranchX(test),
            false => Operation::Branch(test),
        }),
        0x06 => match code & SIZE {
            0x00 => Some(Operation::Return),
            0x10 => Some(Operation::ReturnA),
            _ => None,
        },
        _ => match code & 0xf8 {
            0x00 => Some(Operation::CopyAToX),
            0x80 => Some(Operation::CopyXToA),
            _ => None,
        },
    };
    let operation = operation.filter(|_| code <= 0xff).ok_or(Invalid::Unknown(at))?;
    let scratch = matches!(
        operation,
        Operation::StoreA
            | Operation::StoreX
            | Operation::LoadA(From::Scratch)
            | Operation::LoadX(From::Scratch)
    );
    if scratch && operand as usize >= SCRATCH {
        return Err(Invalid::Scratch(at));
    }
    let impossible = match operation {
        Operation::Compute(Arithmetic::Div | Arithmetic::Mod) => operand == 0,
        Operation::Compute(Arithmetic::Left | Arithmetic::Right) => operand >= 32,
        _ => false,
    };
    if impossible {
        return Err(Invalid::Operand(at));
    }
    let (jump_true, jump_false) = (u32::from(jump_true), u32::from(jump_false));
    Ok(Decoded { operation, operand, jump_true, jump_false })
}

fn source_of(code: u16) -> Option<From> {
    let width = match code & SIZE {
        0x00 => Some(Width::Word),
        0x08 => Some(Width::Half),
        0x10 => Some(Width::Byte),
        _ => None,
    };
    match code & MODE {
        0x00 => Some(From::Operand),
        0x20 => width.map(From::Packet),
        0x40 => width.map(From::PacketAtX),
        0x60 => Some(From::Scratch),
        0x80 => Some(From::Length),
        _ => None,
    }
}

fn arithmetic_of(code: u16) -> Option<Arithmetic> {
    Some(match code & OPERATION {
        0x00 => Arithmetic::Add,
        0x10 => Arithmetic::Sub,
        0x20 => Arithmetic::Mul,
        0x30 => Arithmetic::Div,
        0x40 => Arithmetic::Or,
        0x50 => Arithmetic::And,
        0x60 => Arithmetic::Left,
        0x70 => Arithmetic::Right,
        0x90 => Arithmetic::Mod,
        0xa0 => Arithmetic::Xor,
        _ => return None,
    })
}

fn test_of(code: u16) -> Option<Test> {
    Some(match code & OPERATION {
        0x10 => Test::Equal,
        0x20 => Test::Greater,
        0x30 => Test::GreaterOrEqual,
        0x40 => Test::AnyBit,
        _ => return None,
    })
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
        assert_eq!(refused(vec![op(0x05, 0, 0, u32::MAX), end]), Invalid::Jump(0));
        assert_eq!(refused(vec![op(0x15, 0, 1, 0), end]), Invalid::Jump(0));
        assert_eq!(refused(vec![op(0x02, 0, 0, 16), end]), Invalid::Scratch(0));
        assert_eq!(refused(vec![end, op(0x34, 0, 0, 0), end]), Invalid::Operand(1));
        assert_eq!(refused(vec![op(0x64, 0, 0, 32), end]), Invalid::Operand(0));
        assert_eq!(refused(vec![op(0xff00, 0, 0, 0), end]), Invalid::Unknown(0));
        assert_eq!(refused(vec![end; MOST_INSTRUCTIONS + 1]), Invalid::TooLong(65_537));
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
