//! [`Groups`]: provided buffers, as the simulated kernel holds them.

use std::collections::VecDeque;
use std::io;

use super::memory::Lent;
use super::world::World;
use crate::ring::GroupId;

/// `IORING_CQE_F_BUFFER`, with the buffer's number in the upper half, and `IORING_CQE_F_BUF_MORE`.
const BUFFER: u32 = 1;
const BUF_MORE: u32 = 16;

#[derive(Default)]
pub(super) struct Groups(Vec<Group>);

struct Group {
    id: GroupId,
    entries: usize,
    incremental: bool,
    /// What the kernel sees.
    published: VecDeque<Provided>,
    unpublished: Vec<Provided>,
}

struct Provided {
    bid: u16,
    memory: Lent,
    /// Bytes at the front that were handed out.
    used: usize,
}

impl Groups {
    fn find(&mut self, id: u16) -> Option<&mut Group> {
        self.0.iter_mut().find(|group| group.id.0 == id)
    }

    pub(super) fn register(&mut self, id: GroupId, entries: u16, inc: bool) -> io::Result<()> {
        let errno = match () {
            () if !entries.is_power_of_two() => libc::EINVAL,
            () if self.find(id.0).is_some() => libc::EEXIST,
            () => {
                self.0.push(Group {
                    id,
                    entries: usize::from(entries),
                    incremental: inc,
                    published: VecDeque::new(),
                    unpublished: Vec::new(),
                });
                return Ok(());
            }
        };
        Err(io::Error::from_raw_os_error(errno))
    }

    pub(super) fn unregister(&mut self, world: &mut World, id: GroupId) -> io::Result<()> {
        let place = self.0.iter().position(|group| group.id == id);
        let place = place.ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
        self.0.swap_remove(place).check(world);
        Ok(())
    }

    pub(super) fn check_all(&self, world: &mut World) {
        self.0.iter().for_each(|group| group.check(world));
    }

    pub(super) fn provide(&mut self, world: &mut World, id: GroupId, bid: u16, memory: Lent) {
        if self.overlaps(memory) {
            world.fail(format!("buffer {bid} is provided again while the kernel has its memory"));
        }
        let group = self.find(id.0).expect("the group is not registered");
        if group.published.len() + group.unpublished.len() >= group.entries {
            world.fail(format!("buffer {bid} is one too many for its group"));
        }
        memory.poison();
        group.unpublished.push(Provided { bid, memory, used: 0 });
    }

    pub(super) fn publish(&mut self, id: GroupId) {
        let group = self.find(id.0).expect("the group is not registered");
        group.published.extend(group.unpublished.drain(..));
    }

    /// Whether the kernel may write to some of these bytes.
    pub(super) fn overlaps(&self, memory: Lent) -> bool {
        let mine = |provided: &Provided| provided.rest().overlaps(memory);
        self.0
            .iter()
            .any(|group| group.published.iter().any(mine) || group.unpublished.iter().any(mine))
    }

    /// How many bytes the next buffer takes; `None` from a group that is dry or not there.
    pub(super) fn room(&mut self, id: u16) -> Option<usize> {
        let next = self.find(id)?.published.front()?;
        Some(next.rest().len())
    }

    /// Writes to the next buffer, which has room, and gives the completion's flags.
    pub(super) fn fill(&mut self, world: &mut World, id: u16, bytes: &[u8]) -> u32 {
        let group = self.find(id).expect("it has room");
        let next = group.published.front_mut().expect("it has room");
        let target = next.memory.part(next.used, bytes.len());
        if !target.is_poisoned() {
            let bid = next.bid;
            world.fail(format!("buffer {bid} was written to while the kernel owned it"));
        }
        target.write(bytes);
        next.used += bytes.len();
        let flags = u32::from(next.bid) << 16 | BUFFER;
        if group.incremental && next.rest().len() > 0 {
            return flags | BUF_MORE;
        }
        group.published.pop_front();
        flags
    }
}

impl Group {
    fn check(&self, world: &mut World) {
        for provided in self.published.iter().chain(&self.unpublished) {
            if !provided.rest().is_poisoned() {
                let bid = provided.bid;
                world.fail(format!("buffer {bid} was written to while the kernel owned it"));
            }
        }
    }
}

impl Provided {
    /// What the kernel may still write to.
    fn rest(&self) -> Lent {
        self.memory.part(self.used, usize::MAX)
    }
}
