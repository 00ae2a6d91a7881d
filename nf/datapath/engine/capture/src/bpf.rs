//! Packet filters in libpcap's language.
//!
//! libpcap compiles the expression, loaded only when a filter is asked for; the program is then
//! run here, so that nothing foreign touches a packet.

pub(crate) mod assembler;
mod compiler;
mod instruction;
mod program;

pub use instruction::{Instruction, Invalid};
pub use program::Program;

use crate::error::CaptureError;
use crate::libpcap::{self, Compiled, Libpcap};

/// An expression, compiled for each link type that shows up.
#[derive(Clone, Debug)]
pub struct Filter {
    expression: String,
    programs: Vec<(u16, Program)>,
    /// Index of the program used last.
    recent: usize,
}

impl Filter {
    /// A filter from an expression, which is not looked at until a link type is known.
    pub fn new(expression: impl Into<String>) -> Self {
        Self { expression: expression.into(), programs: Vec::new(), recent: 0 }
    }

    /// The program for packets of this link type (`LINKTYPE_…`).
    pub fn program(&mut self, link: u16) -> Result<&Program, CaptureError> {
        let known = self.programs.get(self.recent).is_some_and(|(of, _)| *of == link);
        if !known {
            self.recent = match self.programs.iter().position(|(of, _)| *of == link) {
                Some(index) => index,
                None => {
                    let program = compiler::compile(&self.expression, link)?;
                    self.programs.push((link, program));
                    self.programs.len() - 1
                }
            };
        }
        self.programs.get(self.recent).map(|(_, program)| program).ok_or_else(|| {
            compiler::refused(&self.expression, link, "the program was lost") // not reached
        })
    }

    /// Compiled for the packets of a handle of libpcap's, which must be open.
    pub(crate) fn for_handle(
        &self,
        libpcap: &'static Libpcap,
        handle: libpcap::Handle,
        link: u16,
    ) -> Result<Compiled, CaptureError> {
        compiler::compile_for(&self.expression, link, libpcap, handle)
    }

    /// Whether the filter accepts a packet of this link type and length on the wire.
    #[inline]
    pub fn accepts(&mut self, link: u16, packet: &[u8], length: u32) -> Result<bool, CaptureError> {
        Ok(self.program(link)?.accepts(packet, length))
    }
}
