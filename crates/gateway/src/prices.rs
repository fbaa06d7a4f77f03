//! The price book that holds for a request: what the deployment set itself, over what the server was started with.
//!
//! Every request learns the version of what was set in the query that reads its provider's key, and the book that was
//! made of that version is kept for as long as the version stands. So a price that was set works on the next request of
//! every server, and costs no request a question of its own while nothing changes.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use model::prices::{CustomPrices, PriceBook};
use store::StoreResult;
use tokio::sync::Mutex;

/// The seam to the store.
#[async_trait]
pub(crate) trait PriceRows: Send + Sync + std::fmt::Debug {
    /// What the deployment set itself, and its version.
    async fn price_book_get(&self) -> StoreResult<CustomPrices>;
}

/// The price book of this server.
#[derive(Debug)]
pub(crate) struct Prices {
    /// What is under that which was set.
    base: Arc<PriceBook>,
    rows: Arc<dyn PriceRows>,
    /// The book of the latest version that was seen.
    latest: RwLock<Option<(i64, Arc<PriceBook>)>>,
    /// Held by the one that reads the rows.
    reading: Mutex<()>,
}

impl Prices {
    pub(crate) fn new(base: Arc<PriceBook>, rows: Arc<dyn PriceRows>) -> Self {
        Self {
            base,
            rows,
            latest: RwLock::default(),
            reading: Mutex::default(),
        }
    }

    /// The book of a version that was just told, or of a later one.
    ///
    /// # Errors
    /// What the store says when it is asked for the rows.
    pub(crate) async fn at(&self, version: i64) -> StoreResult<Arc<PriceBook>> {
        if let Some(book) = self.known(version) {
            return Ok(book);
        }
        let _reading = self.reading.lock().await;
        // Whoever came first may have read it meanwhile.
        if let Some(book) = self.known(version) {
            return Ok(book);
        }
        let custom = self.rows.price_book_get().await?;
        let book = Arc::new(self.base.with_own(&custom));
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        *latest = Some((custom.version, Arc::clone(&book)));
        Ok(book)
    }

    /// The book that is kept, unless it is older. A request that was told of an older version may use a newer book: it
    /// has not been priced yet.
    fn known(&self, version: i64) -> Option<Arc<PriceBook>> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        let (kept, book) = latest.as_ref()?;
        (*kept >= version).then(|| Arc::clone(book))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex as Lock,
        atomic::{AtomicU64, Ordering},
    };

    use futures_util::future::join_all;
    use model::{
        metering::UnitPrices,
        prices::{CustomPrice, ProviderKind, StoredPrice},
    };
    use store::StoreError;

    use super::*;
    use crate::tests::rig::prices;

    /// Rows of a version, or trouble; counts who asks.
    #[derive(Debug, Default)]
    struct Rows {
        version: Lock<Option<i64>>,
        asked: AtomicU64,
    }

    #[async_trait]
    impl PriceRows for Rows {
        async fn price_book_get(&self) -> StoreResult<CustomPrices> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let version = *self.version.lock().unwrap();
            let version = version.ok_or_else(|| StoreError::Unavailable("away".into()))?;
            let price = CustomPrice {
                provider: ProviderKind::OpenAi,
                model: "gpt-4o".to_owned(),
                effective_from: None,
                prices: UnitPrices {
                    input: Some(version.unsigned_abs()),
                    ..UnitPrices::default()
                },
                tiers: Vec::new(),
                context_window: None,
                max_output_tokens: None,
            };
            let now = chrono::DateTime::UNIX_EPOCH;
            Ok(CustomPrices {
                version,
                prices: vec![StoredPrice {
                    price,
                    created_at: now,
                    updated_at: now,
                }],
                aliases: Vec::new(),
            })
        }
    }

    async fn input_price(prices: &Prices, version: i64) -> Option<u64> {
        let book = prices.at(version).await.unwrap();
        let at = chrono::DateTime::UNIX_EPOCH;
        let price = book.lookup(ProviderKind::OpenAi, "gpt-4o", at);
        price.unwrap().base().input
    }

    #[tokio::test]
    async fn a_version_is_read_once_by_whoever_hears_of_it_first() {
        let rows = Arc::new(Rows::default());
        let book = Prices::new(prices(), rows.clone());
        let asked = || rows.asked.load(Ordering::SeqCst);
        *rows.version.lock().unwrap() = Some(7);
        let seen = join_all((0..20).map(|_| input_price(&book, 7))).await;
        assert_eq!((seen, asked()), (vec![Some(7); 20], 1));
        // The rows may be newer than the version that a request was told of.
        *rows.version.lock().unwrap() = Some(9);
        assert_eq!((input_price(&book, 8).await, asked()), (Some(9), 2));
        assert_eq!((input_price(&book, 9).await, asked()), (Some(9), 2));
        assert_eq!((input_price(&book, 7).await, asked()), (Some(9), 2));
        assert_eq!((input_price(&book, 10).await, asked()), (Some(9), 3));
    }

    #[tokio::test]
    async fn nothing_is_priced_by_a_book_that_is_known_to_be_old() {
        let rows = Arc::new(Rows::default());
        let book = Prices::new(prices(), rows.clone());
        *rows.version.lock().unwrap() = Some(1);
        assert_eq!(input_price(&book, 1).await, Some(1));
        *rows.version.lock().unwrap() = None;
        assert!(book.at(2).await.is_err());
        assert_eq!(input_price(&book, 1).await, Some(1));
        *rows.version.lock().unwrap() = Some(2);
        assert_eq!(input_price(&book, 2).await, Some(2));
    }
}
