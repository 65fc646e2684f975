//! Tests across the whole product; see the folders beside this file.
