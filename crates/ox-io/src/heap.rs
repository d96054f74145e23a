//! An allocator that counts, for tests that say "nothing is allocated here".

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator with a count of what each thread takes from it. A test makes it its `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

impl Counting {
    /// How often this thread has taken or enlarged memory so far.
    pub fn taken() -> u64 {
        TAKEN.get()
    }
}

fn count() {
    // A thread that is ending has no count any more, and nobody asks for it.
    let _ = TAKEN.try_with(|taken| taken.set(taken.get() + 1));
}

// SAFETY: every request is passed on to the system's allocator unchanged; counting takes no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on, and what it gives back came from `System`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on, and what it enlarges came from `System`.
        unsafe { System.realloc(at, layout, size) }
    }
}
