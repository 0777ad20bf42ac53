//! A global allocator that looks into every block that is freed, and measures how much is held.
//!
//! A secret that was overwritten in time is not found there. One that a buffer left behind when it grew, or that nobody
//! overwrote, is: it would stay in the memory of the process until something else is written over it.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};

/// The length of the pieces of a text that are looked for. A buffer that is cut off, or grows, holds a part of it.
const PIECE: usize = 12;

/// How many pieces of a text are looked for: its beginning, its middle and its end.
const PIECES: usize = 3;

/// What the pieces are kept under, so that this watch leaves none of its own on the stack, from where they would come into
/// blocks with whatever is moved there.
const MASK: u8 = 0x55;

static WANTED: [AtomicU8; PIECE * PIECES] = [const { AtomicU8::new(0) }; PIECE * PIECES];
static WATCHES: AtomicUsize = AtomicUsize::new(0);
static FOUND: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The allocator: a test binary makes it its own with `#[global_allocator]`.
pub struct Watched;

/// Counts the freed blocks that hold a part of a text, of at least 36 characters, while some work is done. One test at a
/// time: everything that is freed in the process counts.
pub fn remnants<T>(text: &str, work: impl FnOnce() -> T) -> (usize, T) {
    let text = text.as_bytes();
    assert!(text.len() >= PIECE * PIECES, "the text is too short to be found in pieces");
    for (piece, from) in [0, (text.len() - PIECE) / 2, text.len() - PIECE].into_iter().enumerate() {
        for at in 0..PIECE {
            WANTED[piece * PIECE + at].store(text[from + at] ^ MASK, SeqCst);
        }
    }
    FOUND.store(0, SeqCst);
    WATCHES.store(1, SeqCst);
    let result = work();
    WATCHES.store(0, SeqCst);
    (FOUND.load(SeqCst), result)
}

/// How many bytes are held at this moment.
pub fn held_now() -> usize {
    HELD.load(SeqCst)
}

/// The largest number of bytes that were held at once while some work was done, beyond those that were held before.
pub fn most_held<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = HELD.load(SeqCst);
    MOST.store(before, SeqCst);
    let result = work();
    (MOST.load(SeqCst).saturating_sub(before), result)
}

// SAFETY: every block comes from `System` and goes back to it, with the layout that it was asked for with.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), SeqCst) + layout.size();
        MOST.fetch_max(held, SeqCst);
        // SAFETY: the caller's promise about the layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), SeqCst);
        // `realloc` is not overridden: it allocates, copies and comes here, so a block that was outgrown is seen as well.
        if WATCHES.load(SeqCst) > 0 && holds_wanted(block, layout.size()) {
            FOUND.fetch_add(1, SeqCst);
            // Once counted it is overwritten: else it would be counted again whenever its room is used and freed again.
            // SAFETY: as in `holds_wanted`.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        // SAFETY: the caller's promise that the block was allocated here with this layout is passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

fn holds_wanted(block: *const u8, size: usize) -> bool {
    let wanted: [u8; PIECE * PIECES] = std::array::from_fn(|at| WANTED[at].load(SeqCst));
    // SAFETY: the block is `size` bytes long and not yet given back. Parts that were never written are read as whatever
    // stands there, and volatile, so that the compiler assumes nothing of it.
    let byte = |at: usize| unsafe { block.add(at).read_volatile() ^ MASK };
    (0..(size + 1).saturating_sub(PIECE)).any(|from| {
        let first = byte(from);
        wanted.chunks_exact(PIECE).any(|piece| piece[0] == first && (1..PIECE).all(|at| piece[at] == byte(from + at)))
    })
}
