//! Instructions of classic BPF: read into a form to run, each checked by itself.

use std::fmt;

/// Scratch words of the machine.
pub(super) const SCRATCH: usize = 16;

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
    /// The instruction at this place jumps out of the program.
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
            Invalid::Jump(at) => write!(f, "instruction {at} jumps out of the program"),
            Invalid::Scratch(at) => write!(f, "instruction {at} names an unknown scratch word"),
            Invalid::Operand(at) => write!(f, "instruction {at} has an impossible operand"),
            Invalid::NoReturn => f.write_str("the program does not end with a return"),
        }
    }
}

impl std::error::Error for Invalid {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Byte,
    Half,
    Word,
}

/// Where a load finds its bytes or its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
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
pub(super) enum Arithmetic {
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
pub(super) enum Test {
    Equal,
    Greater,
    GreaterOrEqual,
    AnyBit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
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
pub(super) struct Decoded {
    pub(super) operation: Operation,
    pub(super) operand: u32,
    pub(super) jump_true: usize,
    pub(super) jump_false: usize,
}

/// Reads an instruction and checks all of it that does not depend on the others.
pub(super) fn decode(instruction: &Instruction, at: usize) -> Result<Decoded, Invalid> {
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
    let (jump_true, jump_false) = (usize::from(jump_true), usize::from(jump_false));
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
