//! The library as its users see it. One program: each further one would link the whole library once more.

mod architecture;
mod automatic_decisions;
mod baselines;
mod clipped_answers;
mod course_lessons;
mod custom_recurrent_layer;
mod data_formats;
mod dataset;
mod earlier_versions;
mod ensembles;
#[cfg(feature = "images")]
mod examples_on_disk;
mod explanations;
mod export_import;
mod folder;
mod forecasts;
mod golden;
mod gradient_faults;
mod in_memory_training;
mod intervals;
mod labelled_sequences;
mod layers_and_training;
mod malformed_models;
mod messy_tables;
#[cfg(feature = "images")]
mod pictures;
mod planted_faults;
mod ranks;
mod shapes_from_outside;
#[cfg(feature = "sounds")]
mod sounds;
mod start_from;
mod stop;
mod table_headers;
mod table_sources;
mod texts;
mod tokens;
#[cfg(feature = "tune")]
mod tune;
#[cfg(feature = "images")]
mod video;
