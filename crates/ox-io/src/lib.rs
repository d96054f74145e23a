//! ox-io
