// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Opening functions that are bound to vfio-pci, by their PCI addresses.
//!
//! `vfio-ioctls` opens containers too. Device files and iommufd it has with its feature `vfio_cdev` alone, which needs
//! bindings of KVM that s390x does not have (`kvm-bindings` 0.14).

use std::error::Error;
use std::ffi::CString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};

use vfio_bindings::bindings::vfio::{
    vfio_device_attach_iommufd_pt, vfio_device_bind_iommufd, vfio_group_status, VFIO_TYPE1v2_IOMMU, VFIO_API_VERSION,
    VFIO_GROUP_FLAGS_VIABLE,
};

use crate::files::{Container, Device, Iommufd};
use crate::ioctl;

/// Where the kernel shows its devices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Places {
    /// Where sysfs is, usually `/sys`.
    pub sys: PathBuf,
    /// Where device files are, usually `/dev`.
    pub dev: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { sys: "/sys".into(), dev: "/dev".into() }
    }
}

/// Functions in a container of type 1.
#[derive(Debug)]
#[non_exhaustive]
pub struct Type1 {
    /// The devices, in the order in which they were named. A device is closed before its group, and that before the
    /// container.
    pub devices: Vec<Device<File>>,
    /// The groups of the devices.
    pub groups: Vec<File>,
    /// The container.
    pub container: Container<File>,
}

/// A function that is opened by its own file and bound to an iommufd.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cdev {
    /// The device.
    pub device: Device<File>,
    /// The iommufd.
    pub iommufd: Iommufd<File>,
    /// What the iommufd calls the device.
    pub device_id: u32,
}

impl Places {
    /// Opens `addresses`, functions like `0001:00:00.0`, in a container of their own.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_type1(&self, addresses: &[&str]) -> Result<Type1, OpenError> {
        let numbers = addresses.iter().map(|address| self.group(address)).collect::<Result<Vec<_>, _>>()?;
        let container = self.open("vfio/vfio")?;
        let fd = container.as_raw_fd();
        // SAFETY: the call takes no argument.
        let version = called("VFIO_GET_API_VERSION", unsafe { ioctl::by_value(fd, ioctl::GET_API_VERSION, 0) })?;
        // SAFETY: the call takes a number.
        let has_type1 = unsafe { ioctl::by_value(fd, ioctl::CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU.into()) };
        if version.cast_unsigned() != VFIO_API_VERSION || called("VFIO_CHECK_EXTENSION", has_type1)? == 0 {
            return Err(OpenError::NoType1);
        }
        let (mut groups, mut opened) = (Vec::new(), Vec::new());
        for (number, address) in numbers.iter().zip(addresses) {
            if opened.contains(number) {
                continue;
            }
            groups.push(self.open_group(*number, address, fd)?);
            if opened.is_empty() {
                // SAFETY: the call takes a number.
                called("VFIO_SET_IOMMU", unsafe { ioctl::by_value(fd, ioctl::SET_IOMMU, VFIO_TYPE1v2_IOMMU.into()) })?;
            }
            opened.push(*number);
        }
        let mut devices = Vec::new();
        for (number, address) in numbers.iter().zip(addresses) {
            let place = opened.iter().position(|known| known == number);
            let Some(group) = place.and_then(|place| groups.get(place)) else { continue };
            let mut name = CString::new(*address).unwrap_or_default().into_bytes_with_nul();
            // SAFETY: the call reads a string that ends with a zero.
            let device =
                unsafe { ioctl::by_pointer(group.as_raw_fd(), ioctl::GROUP_GET_DEVICE_FD, name.as_mut_slice()) };
            let device = called("VFIO_GROUP_GET_DEVICE_FD", device)?;
            // SAFETY: the call returns a file that nobody else has.
            devices.push(Device(unsafe { File::from_raw_fd(device) }));
        }
        Ok(Type1 { devices, groups, container: Container(container) })
    }

    /// Opens `address`, a function like `0001:00:00.0`, by its own file and binds it to an iommufd of its own. It has
    /// no address space yet: [`Cdev::attach`].
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_cdev(&self, address: &str) -> Result<Cdev, OpenError> {
        let directory = self.bound(address)?.join("vfio-dev");
        let entries = fs::read_dir(directory).ok().into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let name = names.find(|name| name.starts_with("vfio")).ok_or(OpenError::NoCdev(address.to_owned()))?;
        let device = self.open(&format!("vfio/devices/{name}"))?;
        let iommufd = self.open("iommu")?;
        let mut bind = vfio_device_bind_iommufd {
            // As of Linux 6.6; a token came later.
            argsz: std::mem::offset_of!(vfio_device_bind_iommufd, token_uuid_ptr) as u32,
            iommufd: iommufd.as_raw_fd(),
            ..Default::default()
        };
        // SAFETY: the structure says its own size.
        let bound = unsafe { ioctl::by_pointer(device.as_raw_fd(), ioctl::DEVICE_BIND_IOMMUFD, &mut bind) };
        called("VFIO_DEVICE_BIND_IOMMUFD", bound)?;
        Ok(Cdev { device: Device(device), iommufd: Iommufd(iommufd), device_id: bind.out_devid })
    }

    /// Whether the function can be opened through its group: the kernel has one for it, and a file of it.
    pub fn has_group(&self, address: &str) -> bool {
        self.group(address).is_ok_and(|number| self.dev.join(format!("vfio/{number}")).exists())
    }

    /// The directory of a function in sysfs.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoFunction`].
    pub fn function(&self, address: &str) -> Result<PathBuf, OpenError> {
        let directory = self.sys.join("bus/pci/devices").join(address);
        // An address names one directory and leads nowhere else.
        let is_name = !address.is_empty() && !address.contains('/') && !address.starts_with('.');
        if is_name && directory.is_dir() {
            Ok(directory)
        } else {
            Err(OpenError::NoFunction(address.to_owned()))
        }
    }

    /// The directory of a function that VFIO has.
    fn bound(&self, address: &str) -> Result<PathBuf, OpenError> {
        let directory = self.function(address)?;
        let driver = link_name(&directory.join("driver"));
        // Drivers that are made for one device and built on vfio-pci have its files too.
        match driver {
            Some(driver) if driver.contains("vfio") => Ok(directory),
            driver => Err(OpenError::Driver { address: address.to_owned(), driver }),
        }
    }

    fn group(&self, address: &str) -> Result<u32, OpenError> {
        let directory = self.bound(address)?;
        let number = link_name(&directory.join("iommu_group")).and_then(|name| name.parse().ok());
        number.ok_or(OpenError::NoGroup(address.to_owned()))
    }

    fn open_group(&self, number: u32, address: &str, container: i32) -> Result<File, OpenError> {
        let group = self.open(&format!("vfio/{number}"))?;
        let mut status = vfio_group_status { argsz: size_of::<vfio_group_status>() as u32, flags: 0 };
        // SAFETY: the structure says its own size.
        let result = unsafe { ioctl::by_pointer(group.as_raw_fd(), ioctl::GROUP_GET_STATUS, &mut status) };
        called("VFIO_GROUP_GET_STATUS", result)?;
        if status.flags & VFIO_GROUP_FLAGS_VIABLE == 0 {
            return Err(OpenError::NotViable { address: address.to_owned(), group: number });
        }
        let mut container = container;
        // SAFETY: the call reads the number of a file.
        let result = unsafe { ioctl::by_pointer(group.as_raw_fd(), ioctl::GROUP_SET_CONTAINER, &mut container) };
        called("VFIO_GROUP_SET_CONTAINER", result)?;
        Ok(group)
    }

    fn open(&self, name: &str) -> Result<File, OpenError> {
        let path = self.dev.join(name);
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        opened.map_err(|error| OpenError::File { path, error })
    }
}

impl Cdev {
    /// Makes an address space in the iommufd, attaches the function to it, and returns what the iommufd calls it
    /// (IOAS).
    ///
    /// # Errors
    ///
    /// [`OpenError::Call`].
    pub fn attach(&self) -> Result<u32, OpenError> {
        // Linux: struct iommu_ioas_alloc, include/uapi/linux/iommufd.h: size, flags, out_ioas_id.
        let mut alloc = [12_u32, 0, 0];
        // SAFETY: the structure says its own size.
        let result = unsafe { ioctl::by_pointer(self.iommufd.0.as_raw_fd(), ioctl::IOAS_ALLOC, &mut alloc) };
        called("IOMMU_IOAS_ALLOC", result)?;
        let [_, _, id] = alloc;
        let mut attach = vfio_device_attach_iommufd_pt {
            // As of Linux 6.6; PASIDs came later.
            argsz: std::mem::offset_of!(vfio_device_attach_iommufd_pt, pasid) as u32,
            pt_id: id,
            ..Default::default()
        };
        // SAFETY: the structure says its own size.
        let result =
            unsafe { ioctl::by_pointer(self.device.0.as_raw_fd(), ioctl::DEVICE_ATTACH_IOMMUFD_PT, &mut attach) };
        called("VFIO_DEVICE_ATTACH_IOMMUFD_PT", result)?;
        Ok(id)
    }
}

fn called<T>(call: &'static str, result: io::Result<T>) -> Result<T, OpenError> {
    result.map_err(|error| OpenError::Call { call, error })
}

/// The last component of what a symbolic link leads to.
fn link_name(path: &Path) -> Option<String> {
    Some(fs::read_link(path).ok()?.file_name()?.to_string_lossy().into_owned())
}

/// Why a function cannot be opened; the text says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no PCI function at this address.
    NoFunction(String),
    /// The function is not VFIO's.
    Driver {
        /// Address of the function.
        address: String,
        /// The driver that has it.
        driver: Option<String>,
    },
    /// The function has no IOMMU group.
    NoGroup(String),
    /// Another function of the group is not VFIO's.
    NotViable {
        /// Address of the function.
        address: String,
        /// Number of the group.
        group: u32,
    },
    /// The kernel has no type 1 IOMMU of version 2.
    NoType1,
    /// The kernel has no device file for the function.
    NoCdev(String),
    /// A file cannot be opened.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A call is refused.
    Call {
        /// Its name in Linux.
        call: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFunction(address) => write!(f, "{address}: no PCI function has this address"),
            Self::Driver { address, driver } => {
                match driver {
                    Some(driver) => write!(f, "{address}: its driver is {driver}, not vfio-pci")?,
                    None => write!(f, "{address}: it has no driver, and VFIO knows of functions of vfio-pci alone")?,
                }
                write!(f, "; to give it to VFIO, as root:\n  modprobe vfio-pci\n")?;
                writeln!(f, "  echo vfio-pci > /sys/bus/pci/devices/{address}/driver_override")?;
                if driver.is_some() {
                    writeln!(f, "  echo {address} > /sys/bus/pci/devices/{address}/driver/unbind")?;
                }
                write!(f, "  echo {address} > /sys/bus/pci/drivers_probe")
            }
            Self::NoGroup(address) => write!(f, "{address}: it has no IOMMU group, so VFIO cannot have it"),
            Self::NotViable { address, group } => write!(
                f,
                "{address}: other functions of its IOMMU group {group} have drivers other than vfio-pci: \
                 ls /sys/kernel/iommu_groups/{group}/devices"
            ),
            Self::NoType1 => f.write_str("the kernel has no type 1 IOMMU (version 2); iommufd may be there"),
            Self::NoCdev(address) => write!(
                f,
                "{address}: the kernel has no device file for it (Linux 6.6 or newer, CONFIG_VFIO_DEVICE_CDEV); its \
                 group may do"
            ),
            Self::File { path, error } => {
                let hint = match error.raw_os_error() {
                    Some(libc::EACCES | libc::EPERM) => "; it is root's, or who was given it",
                    Some(libc::EBUSY) => "; another program has it open",
                    Some(libc::ENOENT) => "; is the module loaded: modprobe vfio-pci, iommufd?",
                    _ => "",
                };
                write!(f, "{}: {error}{hint}", path.display())
            }
            Self::Call { call, error } => {
                let hint = match error.raw_os_error() {
                    Some(libc::EBUSY) => "; another program has it",
                    Some(libc::EPERM) => "; the kernel holds it for unsafe, its log says why",
                    _ => "",
                };
                write!(f, "{call}: {error}{hint}")
            }
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::File { error, .. } | Self::Call { error, .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A kernel with one function, without any call.
    fn places(driver: Option<&str>) -> (tempfile::TempDir, Places) {
        let root = tempfile::tempdir().unwrap();
        let places = Places { sys: root.path().join("sys"), dev: root.path().join("dev") };
        let function = places.sys.join("bus/pci/devices/0010:00:00.0");
        fs::create_dir_all(&function).unwrap();
        if let Some(driver) = driver {
            symlink(format!("../../../../bus/pci/drivers/{driver}"), function.join("driver")).unwrap();
        }
        (root, places)
    }

    #[test]
    fn what_to_do_about_it() {
        let (_root, nvme) = places(Some("nvme"));
        let error = nvme.open_type1(&["0011:00:00.0"]).unwrap_err().to_string();
        assert_eq!(error, "0011:00:00.0: no PCI function has this address");
        for wrong in ["", ".", "..", "../devices/0010:00:00.0"] {
            assert!(matches!(nvme.open_cdev(wrong), Err(OpenError::NoFunction(_))), "{wrong:?}");
        }
        let error = nvme.open_cdev("0010:00:00.0").unwrap_err().to_string();
        assert_eq!(
            error,
            "0010:00:00.0: its driver is nvme, not vfio-pci; to give it to VFIO, as root:\n  modprobe vfio-pci\n  \
             echo vfio-pci > /sys/bus/pci/devices/0010:00:00.0/driver_override\n  \
             echo 0010:00:00.0 > /sys/bus/pci/devices/0010:00:00.0/driver/unbind\n  \
             echo 0010:00:00.0 > /sys/bus/pci/drivers_probe"
        );
        let (_root, alone) = places(None);
        let error = alone.open_type1(&["0010:00:00.0"]).unwrap_err().to_string();
        assert!(error.starts_with("0010:00:00.0: it has no driver") && !error.contains("unbind"), "{error}");
    }

    #[test]
    fn what_the_kernel_does_not_have() {
        let (_root, places) = places(Some("vfio-pci"));
        let function = places.function("0010:00:00.0").unwrap();
        assert!(matches!(places.open_type1(&["0010:00:00.0"]), Err(OpenError::NoGroup(_))));
        assert!(matches!(places.open_cdev("0010:00:00.0"), Err(OpenError::NoCdev(_))));
        assert!(!places.has_group("0010:00:00.0"));
        symlink("../../../../kernel/iommu_groups/7", function.join("iommu_group")).unwrap();
        assert!(!places.has_group("0010:00:00.0"));
        fs::create_dir_all(function.join("vfio-dev/vfio3")).unwrap();
        let error = places.open_cdev("0010:00:00.0").unwrap_err().to_string();
        assert!(error.contains("/dev/vfio/devices/vfio3: No such file") && error.contains("modprobe"), "{error}");
        let error = places.open_type1(&["0010:00:00.0"]).unwrap_err().to_string();
        assert!(error.contains("/dev/vfio/vfio: No such file"), "{error}");
        // Files that are none of VFIO refuse the first call.
        fs::create_dir_all(places.dev.join("vfio/devices")).unwrap();
        for name in ["vfio/vfio", "vfio/7", "vfio/devices/vfio3", "iommu"] {
            fs::write(places.dev.join(name), "").unwrap();
        }
        assert!(places.has_group("0010:00:00.0"));
        let error = places.open_type1(&["0010:00:00.0"]).unwrap_err();
        assert!(matches!(&error, OpenError::Call { call: "VFIO_GET_API_VERSION", .. }), "{error}");
        let error = places.open_cdev("0010:00:00.0").unwrap_err();
        assert!(matches!(&error, OpenError::Call { call: "VFIO_DEVICE_BIND_IOMMUFD", .. }), "{error}");
    }
}
