//! The part of HDF5 that a file of named arrays needs: groups, and contiguous arrays of floats.
//!
//! A file is a superblock (version 2) and objects. An object is a header (version 2) of messages: a group has a link
//! message for each name in it, with the address of that object's header; an array's messages give its shape, its
//! element type and the address of its data. Superblock and headers each end in a checksum (Jenkins' lookup3).
//! Source: HDF5 File Format Specification 3.0, sections II.A, III.A, IV.A.1.b and IV.A.2.

use std::collections::BTreeMap;

/// The object under a name.
#[derive(Debug)]
pub(super) enum Node {
    Group(BTreeMap<String, Node>),
    /// A shape and f32 values, the last dimension varying fastest.
    Array(Vec<usize>, Vec<f32>),
}

impl Node {
    /// Inserts an array at a path of names separated by slashes, creating groups on the way.
    pub(super) fn insert(&mut self, path: &str, array: Node) {
        let Node::Group(names) = self else { return };
        match path.split_once('/') {
            Some((group, rest)) => {
                names.entry(group.into()).or_insert_with(|| Node::Group(BTreeMap::new())).insert(rest, array);
            }
            None => {
                names.insert(path.into(), array);
            }
        }
    }
}

/// The undefined address.
const NOWHERE: u64 = u64::MAX;
const SUPERBLOCK: usize = 48;

/// The bytes of a file with this root; equal trees give equal bytes.
pub(super) fn file(root: &Node) -> Vec<u8> {
    let mut bytes = vec![0; SUPERBLOCK];
    let address = write(root, &mut bytes);
    let mut superblock = b"\x89HDF\r\n\x1a\n".to_vec();
    // Version 2, addresses and lengths of 8 bytes, no flags.
    superblock.extend([2, 8, 8, 0]);
    for number in [0, NOWHERE, bytes.len() as u64, address] {
        superblock.extend(number.to_le_bytes());
    }
    superblock.extend(lookup3(&superblock).to_le_bytes());
    bytes[..SUPERBLOCK].copy_from_slice(&superblock);
    bytes
}

/// Appends an object with all that it contains; returns the address of its header.
fn write(node: &Node, bytes: &mut Vec<u8>) -> u64 {
    let messages: Vec<(u8, Vec<u8>)> = match node {
        Node::Group(names) => {
            // Links are in the header itself: no heap, no index.
            let info = [&[0, 0][..], &NOWHERE.to_le_bytes(), &NOWHERE.to_le_bytes()].concat();
            let links = names.iter().map(|(name, node)| (LINK, link(name, write(node, bytes))));
            [(LINK_INFO, info), (GROUP_INFO, vec![0, 0])].into_iter().chain(links).collect()
        }
        Node::Array(shape, numbers) => {
            let start = if numbers.is_empty() { NOWHERE } else { bytes.len() as u64 };
            bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
            let size = 4 * numbers.len() as u64;
            let mut space = vec![2, shape.len() as u8, 0, u8::from(!shape.is_empty())];
            space.extend(shape.iter().flat_map(|&side| (side as u64).to_le_bytes()));
            // Fill value: version 3, space allocated late (on writing), never filled.
            let fill = vec![3, 0b0110];
            // Version 3, contiguous.
            let layout = [&[3, 1][..], &start.to_le_bytes(), &size.to_le_bytes()].concat();
            vec![(SPACE, space), (TYPE, F32.to_vec()), (FILL, fill), (LAYOUT, layout)]
        }
    };
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let address = bytes.len();
    let size: usize = messages.iter().map(|(_, message)| 4 + message.len()).sum();
    // Version 2; the size of the messages takes 4 bytes.
    bytes.extend(b"OHDR\x02\x02");
    bytes.extend((size as u32).to_le_bytes());
    for (kind, message) in messages {
        bytes.push(kind);
        bytes.extend((message.len() as u16).to_le_bytes());
        bytes.push(0);
        bytes.extend(message);
    }
    bytes.extend(lookup3(&bytes[address..]).to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    address as u64
}

// Message types.
const SPACE: u8 = 0x01;
const LINK_INFO: u8 = 0x02;
const TYPE: u8 = 0x03;
const FILL: u8 = 0x05;
const LINK: u8 = 0x06;
const LAYOUT: u8 = 0x08;
const GROUP_INFO: u8 = 0x0a;

/// Little-endian IEEE 754 in 32 bits: version 1 of class 1, the mantissa's first bit implied, the sign at bit 31; 4
/// bytes; from bit 0, 32 bits; exponent at 23 of 8 bits, mantissa at 0 of 23 bits; bias 127.
const F32: [u8; 20] = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];

/// A link message: version 1, a UTF-8 name whose length takes 2 bytes, a hard link within the file.
fn link(name: &str, address: u64) -> Vec<u8> {
    let length = (name.len() as u16).to_le_bytes();
    [&[1, 0b1_0001, 1][..], &length, name.as_bytes(), &address.to_le_bytes()].concat()
}

/// Bob Jenkins' hash of bytes (lookup3, 2006), from 0.
fn lookup3(bytes: &[u8]) -> u32 {
    let word = |bytes: &[u8], i: usize| {
        let byte = |j: usize| u32::from(bytes.get(4 * i + j).copied().unwrap_or(0));
        byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24
    };
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let [mut a, mut b, mut c] = [start; 3];
    let mut rest = bytes;
    while rest.len() > 12 {
        [a, b, c] = [a.wrapping_add(word(rest, 0)), b.wrapping_add(word(rest, 1)), c.wrapping_add(word(rest, 2))];
        // For each in turn: subtract the one before it and XOR that one's rotated bits, then add the third to that one.
        for turn in [[4, 6, 8], [16, 19, 4]] {
            a = a.wrapping_sub(c) ^ c.rotate_left(turn[0]);
            c = c.wrapping_add(b);
            b = b.wrapping_sub(a) ^ a.rotate_left(turn[1]);
            a = a.wrapping_add(c);
            c = c.wrapping_sub(b) ^ b.rotate_left(turn[2]);
            b = b.wrapping_add(a);
        }
        rest = &rest[12..];
    }
    if rest.is_empty() {
        return c;
    }
    [a, b, c] = [a.wrapping_add(word(rest, 0)), b.wrapping_add(word(rest, 1)), c.wrapping_add(word(rest, 2))];
    let stir = |x: u32, by: u32, turn: u32| (x ^ by).wrapping_sub(by.rotate_left(turn));
    c = stir(c, b, 14);
    a = stir(a, c, 11);
    b = stir(b, a, 25);
    c = stir(c, b, 16);
    a = stir(a, c, 4);
    b = stir(b, a, 14);
    stir(c, b, 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_author() {
        // From the driver of lookup3.c: the empty string gives 0xdeadbeef, this sentence 0x17770551.
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }
}
