//! Reading maps of files in which no key may stand twice.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};

/// A map in which no key stands twice: serde would keep the last and drop the others.
pub fn each_once<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: DeserializeOwned + Ord + fmt::Display,
    V: DeserializeOwned,
{
    struct Once<K, V>(PhantomData<(K, V)>);
    impl<'de, K, V> Visitor<'de> for Once<K, V>
    where
        K: DeserializeOwned + Ord + fmt::Display,
        V: DeserializeOwned,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some(key) = access.next_key::<K>()? {
                match map.entry(key) {
                    Entry::Occupied(there) => {
                        return Err(A::Error::custom(format_args!("twice: {}", there.key())));
                    }
                    Entry::Vacant(free) => _ = free.insert(access.next_value()?),
                }
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Once(PhantomData))
}
