//! The moment as it is drawn.

use askama::Template;
use tonic::Status;
use wire::v1::reporting as proto;

use super::tiles::{Standing, Tile};
use super::view::{Shape, View};
use crate::backend::Services;
use crate::format;

/// How long a queue that has recovered keeps its place, so that tiles do not jump about.
const CALM_MS: i64 = 60_000;
/// Tiles that a big screen shows at once; with more it turns pages.
const WALL_TILES_MAX: usize = 20;

/// Everything of a moment, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) at_ms: i64,
    pub(super) policy: proto::Policy,
    pub(super) interval: String,
    pub(super) total: Option<Tile>,
    pub(super) tiles: Vec<Tile>,
    /// By the name of a queue: the worst that it was of late, and when.
    worst: std::collections::HashMap<String, (Standing, i64)>,
    is_wall: bool,
}

#[derive(Template)]
#[template(path = "queues/changes.html")]
struct Changes<'a> {
    picture: &'a Picture,
    /// All tiles again, because their order has changed.
    whole: bool,
    tiles: Vec<&'a Tile>,
    total: Option<&'a Tile>,
}

impl Picture {
    /// The moment now, for a page that is opened.
    pub(super) async fn first(services: &Services, view: &View) -> Result<Self, Status> {
        let mut moments = services.live().watch(view.request()).await?.into_inner();
        let moment = moments.message().await?;
        let moment = moment.ok_or_else(|| Status::unavailable("the moment is not told"))?;
        Ok(Self::of(&moment, view, None))
    }

    /// A moment after another.
    pub(super) fn of(moment: &proto::Moment, view: &View, before: Option<&Self>) -> Self {
        let usual = moment.policy.clone().unwrap_or_default();
        let tile = |queue: &proto::Queue| Tile::of(queue, moment.at_unix_ms, &usual, view.by_group);
        let mut picture = Self {
            at_ms: moment.at_unix_ms,
            interval: format!(
                "{} bis {} Uhr",
                format::hour(moment.interval_start_unix_s * 1000),
                format::hour(moment.interval_end_unix_s * 1000)
            ),
            total: moment.total.as_ref().map(tile),
            tiles: moment.queues.iter().map(tile).collect(),
            worst: before.map(|before| before.worst.clone()).unwrap_or_default(),
            is_wall: view.shape == Shape::Wall,
            policy: usual,
        };
        picture.sort();
        picture
    }

    /// Trouble first, the rest by name; who has recovered a moment ago stays where it was.
    fn sort(&mut self) {
        let at_ms = self.at_ms;
        for tile in &self.tiles {
            let worst = self
                .worst
                .entry(tile.name.clone())
                .or_insert((tile.standing, at_ms));
            if tile.standing <= worst.0 || at_ms - worst.1 > CALM_MS {
                *worst = (tile.standing, at_ms);
            }
        }
        let worst = &self.worst;
        let rank = |tile: &Tile| worst.get(&tile.name).map_or(tile.standing, |(worst, _)| *worst);
        // By trouble or not, and no finer: within it a place is kept.
        self.tiles
            .sort_by_cached_key(|tile| (!rank(tile).is_trouble(), tile.name.to_lowercase()));
    }

    /// All of it, as messages of the stream are: for whoever comes.
    pub(super) fn whole(&self) -> String {
        self.drawn(true, self.tiles.iter().collect(), self.total.as_ref())
    }

    /// What is new after another picture.
    pub(super) fn after(&self, before: &Self) -> String {
        let names = |picture: &Self| {
            picture
                .tiles
                .iter()
                .map(|tile| tile.name.clone())
                .collect::<Vec<_>>()
        };
        if names(self) != names(before) {
            return self.whole();
        }
        let pairs = self.tiles.iter().zip(&before.tiles);
        let changed = pairs.filter(|(now, before)| now != before).map(|(now, _)| now);
        let total = self.total.as_ref().filter(|_| self.total != before.total);
        self.drawn(false, changed.collect(), total)
    }

    fn drawn(&self, whole: bool, tiles: Vec<&Tile>, total: Option<&Tile>) -> String {
        let changes = Changes {
            picture: self,
            whole,
            tiles,
            total,
        };
        changes.render().unwrap_or_default()
    }

    /// When it was, for people.
    pub(super) fn time(&self) -> String {
        format::clock(self.at_ms)
    }

    /// The day, for people.
    pub(super) fn day(&self) -> String {
        format::day(self.at_ms)
    }

    /// Those that somebody should look at, in a sentence.
    pub(super) fn troubles(&self) -> String {
        let troubled = self.tiles.iter().filter(|tile| tile.standing.is_trouble());
        let told: Vec<String> = troubled
            .map(|tile| format!("{}: {}", tile.title(), tile.standing.words()))
            .collect();
        match told.is_empty() {
            true => "Keine Hotline ist auffällig.".to_owned(),
            false => format!("{}.", told.join("; ")),
        }
    }

    /// The columns of a big screen.
    pub(super) fn columns(&self) -> &'static str {
        match self.tiles.len().min(WALL_TILES_MAX) {
            0..=2 => "wall-2",
            3..=9 => "wall-3",
            10..=12 | 16 => "wall-4",
            _ => "wall-5",
        }
    }

    /// How many tiles a big screen shows at once.
    pub(super) fn at_once(&self) -> usize {
        WALL_TILES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::Asked;
    use super::*;

    fn moment(at_unix_ms: i64, waits: &[(&str, i64)]) -> proto::Moment {
        let queues = waits.iter().map(|(name, wait_ms)| proto::Queue {
            group: (*name).to_owned(),
            longest_wait_ms: (*wait_ms > 0).then_some(*wait_ms),
            ..proto::Queue::default()
        });
        proto::Moment {
            at_unix_ms,
            policy: Some(proto::Policy {
                threshold_seconds: 30,
                ..proto::Policy::default()
            }),
            queues: queues.collect(),
            ..proto::Moment::default()
        }
    }

    fn names(picture: &Picture) -> Vec<&str> {
        picture.tiles.iter().map(|tile| tile.name.as_str()).collect()
    }

    #[test]
    fn trouble_comes_first_and_stays_for_a_minute_after_it_is_over() {
        let view = View::of(Asked::default(), Shape::Tiles);
        let calm = Picture::of(&moment(0, &[("A", 0), ("B", 0)]), &view, None);
        assert_eq!(names(&calm), ["A", "B"]);
        let late = Picture::of(&moment(1_000, &[("A", 0), ("B", 31_000)]), &view, Some(&calm));
        assert_eq!(names(&late), ["B", "A"]);
        let soon = Picture::of(&moment(30_000, &[("A", 0), ("B", 0)]), &view, Some(&late));
        assert_eq!(names(&soon), ["B", "A"]);
        let later = Picture::of(&moment(62_000, &[("A", 0), ("B", 0)]), &view, Some(&soon));
        assert_eq!(names(&later), ["A", "B"]);
    }

    #[test]
    fn only_tiles_that_have_changed_are_told_again() {
        let view = View::of(Asked::default(), Shape::Tiles);
        let before = Picture::of(&moment(0, &[("Amsel", 0), ("Biber", 0)]), &view, None);
        let after = Picture::of(
            &moment(1_000, &[("Amsel", 0), ("Biber", 5_000)]),
            &view,
            Some(&before),
        );
        let told = after.after(&before);
        assert!(told.contains("Biber") && !told.contains("Amsel"), "{told}");
        assert!(after.whole().contains("Amsel"));
    }
}
