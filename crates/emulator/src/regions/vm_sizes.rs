//! The machine sizes the emulator knows. Figures follow the published size tables; prices are round stand-ins.

use serde_json::{Value, json};

/// One machine size.
pub(crate) struct VmSize {
    /// The name as size and price lists spell it.
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    pub(crate) cores: i64,
    gpus: i64,
    memory_gb: f64,
    disk_gb: i64,
    /// Dollars an hour, Linux, dedicated.
    price: f64,
}

const fn size(name: &'static str, family: &'static str, shape: (i64, i64, f64, i64), price: f64) -> VmSize {
    let (cores, gpus, memory_gb, disk_gb) = shape;
    VmSize { name, family, cores, gpus, memory_gb, disk_gb, price }
}

/// Family name, and how quota lists call it.
pub(crate) const FAMILIES: [(&str, &str); 15] = [
    ("standardDFamily", "Standard D Family"),
    ("standardDSv2Family", "Standard DSv2 Family"),
    ("standardDv2Family", "Standard Dv2 Family"),
    ("standardDSv3Family", "Standard DSv3 Family"),
    ("standardDv3Family", "Standard Dv3 Family"),
    ("standardDDSv4Family", "Standard DDSv4 Family"),
    ("standardDSv5Family", "Standard DSv5 Family"),
    ("standardESv3Family", "Standard ESv3 Family"),
    ("standardEDSv4Family", "Standard EDSv4 Family"),
    ("standardFSv2Family", "Standard FSv2 Family"),
    ("standardNCFamily", "Standard NC Family"),
    ("standardNCSv3Family", "Standard NCSv3 Family"),
    ("standardNCASv3_T4Family", "Standard NCASv3_T4 Family"),
    ("StandardNCADSA100v4Family", "Standard NCADSA100v4 Family"),
    ("standardNDSv2Family", "Standard NDSv2 Family"),
];

/// Every size.
pub(crate) const SIZES: [VmSize; 49] = [
    size("Standard_D1", "standardDFamily", (1, 0, 3.5, 50), 0.08),
    size("Standard_D2", "standardDFamily", (2, 0, 7.0, 100), 0.16),
    size("Standard_D3", "standardDFamily", (4, 0, 14.0, 200), 0.32),
    size("Standard_D4", "standardDFamily", (8, 0, 28.0, 400), 0.64),
    size("Standard_D1_v2", "standardDv2Family", (1, 0, 3.5, 50), 0.07),
    size("Standard_D2_v2", "standardDv2Family", (2, 0, 7.0, 100), 0.15),
    size("Standard_D3_v2", "standardDv2Family", (4, 0, 14.0, 200), 0.29),
    size("Standard_D4_v2", "standardDv2Family", (8, 0, 28.0, 400), 0.58),
    size("Standard_D12_v2", "standardDv2Family", (4, 0, 28.0, 200), 0.37),
    size("Standard_D13_v2", "standardDv2Family", (8, 0, 56.0, 400), 0.74),
    size("Standard_DS1_v2", "standardDSv2Family", (1, 0, 3.5, 7), 0.07),
    size("Standard_DS2_v2", "standardDSv2Family", (2, 0, 7.0, 14), 0.15),
    size("Standard_DS3_v2", "standardDSv2Family", (4, 0, 14.0, 28), 0.29),
    size("Standard_DS4_v2", "standardDSv2Family", (8, 0, 28.0, 56), 0.58),
    size("Standard_DS5_v2", "standardDSv2Family", (16, 0, 56.0, 112), 1.17),
    size("Standard_DS11_v2", "standardDSv2Family", (2, 0, 14.0, 28), 0.18),
    size("Standard_DS12_v2", "standardDSv2Family", (4, 0, 28.0, 56), 0.37),
    size("Standard_DS13_v2", "standardDSv2Family", (8, 0, 56.0, 112), 0.74),
    size("Standard_DS14_v2", "standardDSv2Family", (16, 0, 112.0, 224), 1.48),
    size("Standard_D2s_v3", "standardDSv3Family", (2, 0, 8.0, 16), 0.11),
    size("Standard_D4s_v3", "standardDSv3Family", (4, 0, 16.0, 32), 0.23),
    size("Standard_D8s_v3", "standardDSv3Family", (8, 0, 32.0, 64), 0.46),
    size("Standard_D16s_v3", "standardDSv3Family", (16, 0, 64.0, 128), 0.92),
    size("Standard_D2_v3", "standardDv3Family", (2, 0, 8.0, 50), 0.11),
    size("Standard_D4_v3", "standardDv3Family", (4, 0, 16.0, 100), 0.23),
    size("Standard_D2ds_v4", "standardDDSv4Family", (2, 0, 8.0, 75), 0.14),
    size("Standard_D4ds_v4", "standardDDSv4Family", (4, 0, 16.0, 150), 0.27),
    size("Standard_D8ds_v4", "standardDDSv4Family", (8, 0, 32.0, 300), 0.54),
    size("Standard_D16ds_v4", "standardDDSv4Family", (16, 0, 64.0, 600), 1.08),
    // The first of these is what `az vmss create` takes when its user names none.
    size("Standard_D2s_v5", "standardDSv5Family", (2, 0, 8.0, 0), 0.12),
    size("Standard_D4s_v5", "standardDSv5Family", (4, 0, 16.0, 0), 0.23),
    size("Standard_D8s_v5", "standardDSv5Family", (8, 0, 32.0, 0), 0.46),
    size("Standard_E4s_v3", "standardESv3Family", (4, 0, 32.0, 64), 0.32),
    size("Standard_E8s_v3", "standardESv3Family", (8, 0, 64.0, 128), 0.64),
    size("Standard_E4ds_v4", "standardEDSv4Family", (4, 0, 32.0, 150), 0.36),
    size("Standard_E8ds_v4", "standardEDSv4Family", (8, 0, 64.0, 300), 0.72),
    size("Standard_F2s_v2", "standardFSv2Family", (2, 0, 4.0, 16), 0.10),
    size("Standard_F4s_v2", "standardFSv2Family", (4, 0, 8.0, 32), 0.19),
    size("Standard_F8s_v2", "standardFSv2Family", (8, 0, 16.0, 64), 0.39),
    size("Standard_NC6", "standardNCFamily", (6, 1, 56.0, 340), 0.90),
    size("Standard_NC12", "standardNCFamily", (12, 2, 112.0, 680), 1.80),
    size("Standard_NC24", "standardNCFamily", (24, 4, 224.0, 1440), 3.60),
    size("Standard_NC6s_v3", "standardNCSv3Family", (6, 1, 112.0, 736), 3.06),
    size("Standard_NC12s_v3", "standardNCSv3Family", (12, 2, 224.0, 1474), 6.12),
    size("Standard_NC4as_T4_v3", "standardNCASv3_T4Family", (4, 1, 28.0, 176), 0.53),
    size("Standard_NC8as_T4_v3", "standardNCASv3_T4Family", (8, 1, 56.0, 352), 0.75),
    size("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", (24, 1, 220.0, 64), 3.67),
    size("Standard_NC48ads_A100_v4", "StandardNCADSA100v4Family", (48, 2, 440.0, 128), 7.35),
    size("Standard_ND40rs_v2", "standardNDSv2Family", (40, 8, 672.0, 2948), 22.03),
];

/// The size of that name, compared without case.
pub(crate) fn find(name: &str) -> Option<&'static VmSize> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// How quota and usage lists call a family.
pub(crate) fn family_title(family: &str) -> &'static str {
    FAMILIES.iter().find(|(name, _)| *name == family).map_or("", |(_, title)| title)
}

/// Families of the first generations.
const WITHOUT_PREMIUM_DISKS: [&str; 4] =
    ["standardDFamily", "standardDv2Family", "standardDv3Family", "standardNCFamily"];

/// Families that no zone has.
const WITHOUT_ZONES: [&str; 2] = ["standardDFamily", "standardNCFamily"];

impl VmSize {
    /// Whether it takes premium disks.
    pub(crate) fn has_premium_disks(&self) -> bool {
        !WITHOUT_PREMIUM_DISKS.contains(&self.family)
    }

    /// Whether it can be placed in a zone.
    pub(crate) fn has_zones(&self) -> bool {
        !WITHOUT_ZONES.contains(&self.family)
    }

    /// The row of the compute service's size list.
    pub(crate) fn plain_row(&self) -> Value {
        json!({
            "name": self.name,
            "numberOfCores": self.cores,
            "osDiskSizeInMB": 1_047_552,
            "resourceDiskSizeInMB": self.disk_gb * 1024,
            "memoryInMB": (self.memory_gb * 1024.0) as i64,
            "maxDataDiskCount": self.data_disks(),
        })
    }

    /// What the compute service says it can, each as text.
    pub(crate) fn capabilities(&self) -> Vec<(&'static str, String)> {
        let flag = |is: bool| if is { "True" } else { "False" }.to_owned();
        let mut found = vec![
            ("MaxResourceVolumeMB", (self.disk_gb * 1024).to_string()),
            ("OSVhdSizeMB", "1047552".to_owned()),
            ("vCPUs", self.cores.to_string()),
            ("vCPUsAvailable", self.cores.to_string()),
            ("MemoryGB", self.memory_gb.to_string()),
            ("MaxDataDiskCount", self.data_disks().to_string()),
            ("CpuArchitectureType", "x64".to_owned()),
            ("HyperVGenerations", if self.has_premium_disks() { "V1,V2" } else { "V1" }.to_owned()),
            ("LowPriorityCapable", flag(true)),
            ("PremiumIO", flag(self.has_premium_disks())),
            ("EphemeralOSDiskSupported", flag(self.has_premium_disks())),
            ("EncryptionAtHostSupported", flag(self.has_premium_disks())),
            ("AcceleratedNetworkingEnabled", flag(self.cores > 1)),
        ];
        if self.gpus > 0 {
            found.push(("GPUs", self.gpus.to_string()));
        }
        found
    }

    /// Four for each core, as most sizes have it, and never more than 64.
    fn data_disks(&self) -> i64 {
        (4 * self.cores).min(64)
    }

    /// The row of a size list.
    pub(crate) fn row(&self) -> Value {
        let price =
            |price: f64, tier: &str| json!({ "retailPrice": price, "osType": "Linux", "vmTier": tier });
        json!({
            "name": self.name,
            "family": self.family,
            "vCPUs": self.cores,
            "gpus": self.gpus,
            "osVhdSizeMB": 1_047_552,
            "maxResourceVolumeMB": self.disk_gb * 1024,
            "memoryGB": self.memory_gb,
            "lowPriorityCapable": true,
            "premiumIO": self.has_premium_disks(),
            "estimatedVMPrices": {
                "billingCurrency": "USD",
                "unitOfMeasure": "OneHour",
                "values": [price(self.price, "Standard"), price((self.price * 20.0).round() / 100.0, "LowPriority")],
            },
            "supportedComputeTypes": ["AmlCompute", "ComputeInstance", "MIR"],
        })
    }
}
