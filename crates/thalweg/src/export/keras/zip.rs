//! Zip archives of uncompressed files, all with the earliest date of the format, so that equal files give equal bytes.
//! Source: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.

use flate2::Crc;

/// 1980-01-01 00:00:00, as time and date.
const MOMENT: [u16; 2] = [0, 1 << 5 | 1];

/// The bytes of an archive of named files.
pub(super) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = Crc::new();
        crc.update(content);
        let start = bytes.len() as u32;
        let size = content.len() as u32;
        // The fields shared by both records of a file, starting with the version needed to read it.
        let mut common = Vec::new();
        for number in [20, 0, 0, MOMENT[0], MOMENT[1]] {
            common.extend(number.to_le_bytes());
        }
        for number in [crc.sum(), size, size] {
            common.extend(number.to_le_bytes());
        }
        for number in [name.len() as u16, 0] {
            common.extend(number.to_le_bytes());
        }
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(*content);
        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        // No comment, disk 0, no attributes.
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, files.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].into_iter().flat_map(u16::to_le_bytes));
    bytes.extend([directory.len() as u32, start].into_iter().flat_map(u32::to_le_bytes));
    bytes.extend([0; 2]);
    bytes
}
