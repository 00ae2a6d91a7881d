//! Writes programs of classic BPF: operation codes by name, and jumps to labels.

use super::Instruction;

pub(crate) const LOAD_WORD: u16 = 0x20;
pub(crate) const LOAD_HALF: u16 = 0x28;
pub(crate) const LOAD_BYTE: u16 = 0x30;
pub(crate) const LOAD_WORD_AT_X: u16 = 0x40;
pub(crate) const LOAD_HALF_AT_X: u16 = 0x48;
pub(crate) const LOAD_BYTE_AT_X: u16 = 0x50;
pub(crate) const LOAD_CONSTANT: u16 = 0x00;
pub(crate) const LOAD_SCRATCH: u16 = 0x60;
pub(crate) const LOAD_X_CONSTANT: u16 = 0x01;
pub(crate) const LOAD_X_SCRATCH: u16 = 0x61;
pub(crate) const STORE: u16 = 0x02;
pub(crate) const STORE_X: u16 = 0x03;
pub(crate) const ADD: u16 = 0x04;
pub(crate) const ADD_X: u16 = 0x0c;
pub(crate) const MULTIPLY: u16 = 0x24;
pub(crate) const AND: u16 = 0x54;
pub(crate) const SHIFT_LEFT: u16 = 0x64;
pub(crate) const SHIFT_RIGHT: u16 = 0x74;
pub(crate) const XOR: u16 = 0xa4;
pub(crate) const XOR_X: u16 = 0xac;
pub(crate) const TO_X: u16 = 0x07;
pub(crate) const FROM_X: u16 = 0x87;
pub(crate) const GO: u16 = 0x05;
pub(crate) const GO_IF_EQUAL: u16 = 0x15;
pub(crate) const GO_IF_ANY_BIT: u16 = 0x45;
pub(crate) const RETURN: u16 = 0x06;
pub(crate) const RETURN_A: u16 = 0x16;

/// Instructions whose jumps go to labels until they are written.
pub(crate) struct Writer<L> {
    done: Vec<Instruction>,
    /// Instructions that go somewhere: at which place, and where to.
    jumps: Vec<(usize, L)>,
    labels: Vec<(L, usize)>,
}

impl<L: Copy + PartialEq> Writer<L> {
    pub fn new() -> Self {
        Self { done: Vec::new(), jumps: Vec::new(), labels: Vec::new() }
    }

    /// Another instruction.
    pub fn put(&mut self, code: u16, operand: u32) {
        self.done.push(Instruction { code, jump_true: 0, jump_false: 0, operand });
    }

    /// A test with distances to both ways on.
    pub fn test(&mut self, code: u16, operand: u32, jump_true: u8, jump_false: u8) {
        self.done.push(Instruction { code, jump_true, jump_false, operand });
    }

    /// The label stands for the next instruction.
    pub fn at(&mut self, label: L) {
        self.labels.push((label, self.done.len()));
    }

    /// Goes on at a label that comes later.
    pub fn go(&mut self, to: L) {
        self.jumps.push((self.done.len(), to));
        self.put(GO, 0);
    }

    /// Goes on at a label that comes later, if a test of A holds.
    pub fn go_if(&mut self, test: u16, operand: u32, to: L) {
        // Over the jump that follows where the test fails: near jumps reach 255 instructions only.
        self.test(test, operand, 0, 1);
        self.go(to);
    }

    /// The program.
    pub fn finish(mut self) -> Vec<Instruction> {
        for (from, to) in &self.jumps {
            let target = self.labels.iter().find(|(label, at)| label == to && at > from);
            if let (Some((_, target)), Some(jump)) = (target, self.done.get_mut(*from)) {
                jump.operand = (target - from - 1) as u32;
            }
        }
        self.done
    }

    /// X moves on.
    pub fn pass_over(&mut self, octets: u32) {
        self.put(FROM_X, 0);
        self.put(ADD, octets);
        self.put(TO_X, 0);
    }

    /// A = A ^ A >> bits.
    pub fn fold(&mut self, bits: u32) {
        self.put(TO_X, 0);
        self.put(SHIFT_RIGHT, bits);
        self.put(XOR_X, 0);
    }
}
