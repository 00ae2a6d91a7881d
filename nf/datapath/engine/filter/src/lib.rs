//! The one filter language: parsed once, evaluated on any record.
