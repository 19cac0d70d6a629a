//! How objects are allocated in line: the free runs of size classes, and the layout of new tables (docs/abi.md section 2).

/// Largest object in a block.
pub const MAX_CELL: usize = 2048;
/// Number of size classes.
pub const CLASSES: usize = 40;

/// Cell sizes: multiples of 16 up to 256, then eight steps per doubling.
pub const CELL_SIZE: [u32; CLASSES] = {
    let mut a = [0; CLASSES];
    let mut i = 0;
    while i < CLASSES {
        let k = i as u32 + 1;
        a[i] = if k <= 16 {
            k * 16
        } else {
            let step = (k - 17) / 8;
            (256 << step) + ((k - 17) % 8 + 1) * (32 << step)
        };
        i += 1;
    }
    a
};

/// Class of a size in 16-byte units.
const CLASS_OF: [u8; MAX_CELL / 16 + 1] = {
    let mut a = [0; MAX_CELL / 16 + 1];
    let (mut units, mut c) = (0, 0);
    while units <= MAX_CELL / 16 {
        while (CELL_SIZE[c] as usize) < units * 16 {
            c += 1;
        }
        a[units] = c as u8;
        units += 1;
    }
    a
};

/// Size class of an object of `size <= MAX_CELL` bytes.
#[inline(always)]
pub const fn class_of(size: usize) -> usize {
    CLASS_OF[size.div_ceil(16)] as usize
}

/// Offset, in the state (`Global`), of the free run of a size class: its cursor, then its end. Where they are equal, or where the debt is above 0,
/// the instruction's helper allocates.
pub const fn run(class: usize) -> i32 {
    16 * class as i32
}
/// Offset of a run's end from its cursor.
pub const RUN_END: i32 = 8;
/// Offset, in the state, of the collector's debt (i64): above 0 a collector step is due.
pub const DEBT: i32 = run(CLASSES);
/// Offset, in the state, of the mark byte of new objects.
pub const WHITE: i32 = DEBT + 8;

/// Offset, in the state, of the fields of a table that [`crate::helpers::leaf::MAKE`] is about to make: values, each with its key's number.
pub const MADE: i32 = WHITE + 8;
/// Offset of the key's number (u32) from its value.
pub const MADE_KEY: i32 = 12;
/// How many there can be.
pub const MADE_MAX: usize = 12;

/// Most fields that get slots inside a new table.
pub const MAX_INLINE_FIELDS: usize = 64;
/// Most elements that get space inside a new table.
pub const MAX_INLINE_ELEMENTS: usize = 16;

/// Bytes of the tags of an array of `cap` elements.
#[inline(always)]
pub const fn tag_space(cap: usize) -> usize {
    cap.next_multiple_of(8)
}
/// Bytes of an array of `cap` elements.
#[inline(always)]
pub const fn array_bytes(cap: usize) -> usize {
    tag_space(cap) + 8 * cap
}

/// Where the parts of a new table are: header, slots, array, in one cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableLayout {
    /// Size class of the cell.
    pub class: usize,
    /// Slots inside.
    pub slot_cap: u32,
    /// Offset of the payload of the first element; 0: there is no array inside.
    pub array: u32,
    /// Elements inside.
    pub array_cap: u32,
}

/// Layout of a new table for `elements` and `fields`. An array of more than [`MAX_INLINE_ELEMENTS`] is not in it.
pub const fn table_layout(elements: usize, fields: usize) -> TableLayout {
    let fields = if fields < MAX_INLINE_FIELDS {
        fields
    } else {
        MAX_INLINE_FIELDS
    };
    let slots_end = crate::table::SIZE as usize + 16 * fields;
    if elements == 0 || elements > MAX_INLINE_ELEMENTS {
        let class = class_of(slots_end);
        return TableLayout {
            class,
            slot_cap: (CELL_SIZE[class] - crate::table::SIZE as u32) / 16,
            array: 0,
            array_cap: 0,
        };
    }
    let class = class_of(slots_end + array_bytes(elements));
    // No more elements than asked for, even where there is room: `next` takes keys up to the capacity.
    TableLayout {
        class,
        slot_cap: fields as u32,
        array: (slots_end + tag_space(elements)) as u32,
        array_cap: elements as u32,
    }
}

const _: () = {
    let most = table_layout(MAX_INLINE_ELEMENTS, MAX_INLINE_FIELDS);
    assert!(most.array as usize + 8 * most.array_cap as usize <= CELL_SIZE[most.class] as usize);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_all_sizes_with_little_waste() {
        assert_eq!(CELL_SIZE[0], 16);
        assert_eq!(CELL_SIZE[CLASSES - 1] as usize, MAX_CELL);
        for size in 1..=MAX_CELL {
            let c = CELL_SIZE[class_of(size)] as usize;
            assert!(c >= size && c.is_multiple_of(16) && c - size < 16 + size / 8);
        }
    }

    #[test]
    fn parts_of_a_new_table_do_not_overlap() {
        for fields in 0..100 {
            for elements in 0..=MAX_INLINE_ELEMENTS {
                let l = table_layout(elements, fields);
                let cell = CELL_SIZE[l.class] as usize;
                let slots_end = crate::table::SIZE as usize + 16 * l.slot_cap as usize;
                assert!(l.slot_cap as usize >= fields.min(MAX_INLINE_FIELDS));
                assert!(slots_end <= cell);
                assert_eq!(l.array == 0, elements == 0);
                if l.array > 0 {
                    let (array, cap) = (l.array as usize, l.array_cap as usize);
                    assert!(cap >= elements && array.is_multiple_of(8));
                    assert!(array - cap >= slots_end && array + 8 * cap <= cell);
                }
            }
        }
    }
}
