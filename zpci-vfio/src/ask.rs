// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Asking for a structure whose size the kernel has to tell first.

use std::io;

/// Size in bytes of the structures of VFIO that capabilities follow, the fields that came with Linux 5.4 and 5.10
/// included.
const FRONT: usize = 24;

/// The longest answer that is waited for: far beyond what all functions of a machine fill.
const MOST: usize = 16 << 20;

/// How often is asked. What there is to tell may become longer between two calls.
const ATTEMPTS: usize = 8;

/// Returns the whole answer of a call that wants the size of its buffer in the first field and returns the size that it
/// needs there (`argsz`), as VFIO_DEVICE_GET_INFO and VFIO_IOMMU_GET_INFO do.
///
/// `call` gets a buffer that starts with its size, in the byte order of this machine, and is zero behind it. Kernels
/// from before the capabilities write less than the buffer has; what they leave stays zero.
///
/// ```
/// // A kernel whose answer takes 40 bytes.
/// let mut sizes = Vec::new();
/// let answer = zpci_vfio::ask(|buffer| {
///     sizes.push(buffer.len());
///     buffer[..4].copy_from_slice(&40_u32.to_ne_bytes());
///     Ok(())
/// })?;
/// assert_eq!((answer.len(), sizes), (40, vec![24, 40]));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// That of `call`; one of the kind [`io::ErrorKind::InvalidData`] if it wants more than 16 MiB, or more each time.
pub fn ask(mut call: impl FnMut(&mut [u8]) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut size = FRONT;
    for _ in 0..ATTEMPTS {
        let mut buffer = vec![0; size];
        write_size(&mut buffer);
        call(&mut buffer)?;
        let wanted = read_size(&buffer);
        if wanted <= size {
            // The kernel answers in less than it was offered; what is behind belongs to no answer.
            buffer.truncate(wanted.max(FRONT));
            return Ok(buffer);
        }
        if wanted > MOST {
            break;
        }
        size = wanted;
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the kernel wants a larger buffer each time"))
}

fn write_size(buffer: &mut [u8]) {
    let size = u32::try_from(buffer.len()).unwrap_or(u32::MAX).to_ne_bytes();
    buffer.iter_mut().zip(size).for_each(|(to, from)| *to = from);
}

fn read_size(buffer: &[u8]) -> usize {
    let size = buffer.first_chunk().map_or(0, |size| u32::from_ne_bytes(*size));
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that wants the sizes of `wants`, one after the other, and fills what it is given.
    fn kernel<'a>(wants: &'a [u32], seen: &'a mut Vec<usize>) -> impl FnMut(&mut [u8]) -> io::Result<()> + 'a {
        let mut wants = wants.iter();
        move |buffer| {
            assert_eq!(buffer[..4], u32::try_from(buffer.len()).unwrap().to_ne_bytes());
            assert!(buffer[4..].iter().all(|byte| *byte == 0));
            seen.push(buffer.len());
            let want = *wants.next().expect("asked once too often");
            buffer[4..].fill(0x5a);
            buffer[..4].copy_from_slice(&want.to_ne_bytes());
            Ok(())
        }
    }

    #[test]
    fn asks_again_with_the_size_that_is_wanted() {
        for (wants, sizes, length) in [
            (&[24][..], &[24][..], 24),
            (&[200, 200], &[24, 200], 200),
            // A function joins the container between two calls.
            (&[200, 300, 300], &[24, 200, 300], 300),
            // One leaves.
            (&[200, 100], &[24, 200], 100),
            // Linux before 5.4 knows 16 bytes, and leaves argsz as it was or says so.
            (&[16], &[24], 24),
        ] {
            let mut seen = Vec::new();
            let answer = ask(kernel(wants, &mut seen)).unwrap();
            assert_eq!((answer.len(), seen.as_slice()), (length, sizes), "{wants:?}");
            assert!(answer[4..].iter().all(|byte| *byte == 0x5a));
        }
    }

    #[test]
    fn does_not_ask_without_end() {
        let mut seen = Vec::new();
        let growing: Vec<u32> = (1..20).map(|step| step * 100).collect();
        let error = ask(kernel(&growing, &mut seen)).unwrap_err();
        assert_eq!((error.kind(), seen.len()), (io::ErrorKind::InvalidData, ATTEMPTS));
        let mut seen = Vec::new();
        assert!(ask(kernel(&[u32::MAX], &mut seen)).is_err());
        assert_eq!(seen, [24]);
    }

    #[test]
    fn an_error_of_the_call_ends_it() {
        let error = ask(|_| Err(io::Error::from_raw_os_error(libc::ENODEV))).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
    }
}
