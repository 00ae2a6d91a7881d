//! What Modbus reports.

use nf_fields::{Binary, BinaryRef, Fields, Text};

use super::message::{self, Frame, Unit};

/// Most octets of a text kept.
const MAX_TEXT: usize = 128;
/// Most octets of packed bits kept: what one frame holds.
const MAX_BITS: usize = 256;

/// One unit, as filters and events see it.
#[derive(Debug, Default, Fields)]
pub struct ModbusMessage<'a> {
    /// Ties a response to its request.
    pub transaction_id: u16,
    /// Device behind the server.
    pub unit_id: u8,
    /// Function, without the mark of an exception.
    pub function_code: u8,
    /// Name of the function.
    pub function: &'static str,
    /// Whether the client says it.
    pub request: bool,
    /// Diagnostics and encapsulated transports: which one.
    pub subfunction: Option<u16>,
    /// First coil or register.
    pub address: Option<u16>,
    /// Coils or registers from there.
    pub quantity: Option<u16>,
    /// First register that is written besides.
    pub write_address: Option<u16>,
    /// Registers that are written besides.
    pub write_quantity: Option<u16>,
    /// Contents of registers, or the value of a coil.
    pub values: Option<Vec<u16>>,
    /// Contents of coils or inputs, the lowest one in the lowest bit of the first octet.
    pub bits: Option<BinaryRef<'a>>,
    /// Code of a refusal.
    pub exception_code: Option<u8>,
    /// Name of a refusal.
    pub exception: Option<&'static str>,
}

/// A request and its response; either may be missing.
#[derive(Debug, Default, Fields)]
pub struct ModbusTransaction {
    /// Ties the response to its request.
    pub transaction_id: u16,
    /// Device behind the server.
    pub unit_id: u8,
    /// Function.
    pub function_code: u8,
    /// Name of the function.
    pub function: &'static str,
    /// Diagnostics and encapsulated transports: which one.
    pub subfunction: Option<u16>,
    /// First coil or register.
    pub address: Option<u16>,
    /// Coils or registers from there.
    pub quantity: Option<u16>,
    /// First register that is written besides.
    pub write_address: Option<u16>,
    /// Registers that are written besides.
    pub write_quantity: Option<u16>,
    /// Contents that were written.
    pub written: Option<Vec<u16>>,
    /// Contents that were read.
    pub values: Option<Vec<u16>>,
    /// Coils that were written, the lowest one in the lowest bit of the first octet.
    pub written_bits: Option<Binary>,
    /// Coils or inputs that were read, the lowest one in the lowest bit of the first octet.
    pub bits: Option<Binary>,
    /// Bits of a register that a mask write keeps.
    pub and_mask: Option<u16>,
    /// Bits that it sets.
    pub or_mask: Option<u16>,
    /// Maker of the device, where it identifies itself.
    pub vendor: Option<Text>,
    /// Its product code.
    pub product: Option<Text>,
    /// Its version.
    pub revision: Option<Text>,
    /// Code of a refusal.
    pub exception_code: Option<u8>,
    /// Name of a refusal.
    pub exception: Option<&'static str>,
    /// Whether the server answered.
    pub answered: bool,
    /// Time from request to response.
    pub response_us: Option<u64>,
}

fn some(values: &[u16]) -> Option<Vec<u16>> {
    (!values.is_empty()).then(|| values.to_vec())
}

/// A unit for who listens to messages.
pub fn message<'a>(frame: &Frame<'a>, unit: &Unit<'a>, request: bool) -> ModbusMessage<'a> {
    let code = frame.body.first().copied().filter(|_| frame.is_exception);
    ModbusMessage {
        transaction_id: frame.transaction,
        unit_id: frame.unit,
        function_code: frame.function,
        function: message::function_word(frame.function),
        request,
        subfunction: unit.subfunction,
        address: unit.address,
        quantity: unit.quantity,
        write_address: unit.write_address,
        write_quantity: unit.write_quantity,
        values: some(&unit.values),
        bits: (!unit.bits.is_empty()).then_some(BinaryRef(unit.bits)),
        exception_code: code,
        exception: code.map(message::exception_word),
    }
}

impl ModbusTransaction {
    /// Begins with a frame of either side.
    pub fn of(frame: &Frame<'_>) -> Self {
        Self {
            transaction_id: frame.transaction,
            unit_id: frame.unit,
            function_code: frame.function,
            function: message::function_word(frame.function),
            ..Self::default()
        }
    }

    /// Adds what the client asks.
    pub fn asked(&mut self, unit: &Unit<'_>) {
        self.address = unit.address;
        self.quantity = unit.quantity;
        self.write_address = unit.write_address;
        self.write_quantity = unit.write_quantity;
        self.subfunction = unit.subfunction;
        self.written = some(&unit.values);
        self.written_bits = (!unit.bits.is_empty()).then(|| Binary::bounded(unit.bits, MAX_BITS));
        (self.and_mask, self.or_mask) = unit.masks.unzip();
    }

    /// Adds what the server answers.
    pub fn told(&mut self, frame: &Frame<'_>, unit: &Unit<'_>) {
        self.answered = true;
        if frame.is_exception {
            self.exception_code = frame.body.first().copied();
            self.exception = self.exception_code.map(message::exception_word);
            return;
        }
        self.address = self.address.or(unit.address);
        self.quantity = self.quantity.or(unit.quantity);
        self.subfunction = self.subfunction.or(unit.subfunction);
        // What a write returns is what was written.
        match self.function_code {
            5 | 6 => self.written = self.written.take().or_else(|| some(&unit.values)),
            _ => self.values = some(&unit.values),
        }
        self.bits = (!unit.bits.is_empty()).then(|| Binary::bounded(unit.bits, MAX_BITS));
        for &(number, words) in &unit.objects {
            let words = Some(Text::bounded(words, MAX_TEXT));
            match number {
                0 => self.vendor = words,
                1 => self.product = words,
                2 => self.revision = words,
                _ => {}
            }
        }
    }
}
