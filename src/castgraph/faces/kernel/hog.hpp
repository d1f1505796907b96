// What the parts of the HOG kernel share.
//
// resize.cpp and fhog.cpp are compiled once for each instruction set that the machine may have; hog.cpp
// knows the pyramid, the boxes and their suppression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.hpp"

namespace hog {

constexpr int CELL = 8;         // pixels of a cell's side
constexpr int FILTER = 10;      // cells of a filter's side
constexpr int BINS = 18;        // signed orientations
constexpr int FEATURES = 31;    // 18 signed and 9 unsigned orientations, 4 texture energies
constexpr int MARGIN = 64;      // bytes or floats that may be read beyond the end of a row

// A picture as three planes of rows with MARGIN bytes of slack.
struct Planar {
    int height = 0, width = 0;
    std::ptrdiff_t stride = 0;
    Buffer<std::uint8_t> memory;

    void resize(int h, int w);
    FACES_INLINE std::uint8_t* row(int channel, int y) const { return memory.get() + (channel * std::ptrdiff_t(height) + y) * stride; }
};

// One separable part of a filter: the outer product of a column and a row, on one plane of the features.
struct Part {
    int plane, detector;
    float row[FILTER], column[FILTER];
};

// The features of one level, padded so that a filter fits at every cell; and what is scored on them.
struct Level {
    int rows = 0, columns = 0;    // of the scores
    int padded_rows = 0;          // of the features: rows + FILTER - 1
    std::ptrdiff_t stride = 0;    // of features and scores
    int score_rows = 0;           // rows of memory of one detector's scores
    Buffer<float> features, scores;
    // What is only needed on the way there.
    Buffer<float> magnitudes, histogram, norms, scratch;
    Buffer<std::uint8_t> bins;

    FACES_INLINE float* feature(int plane) const { return features.get() + plane * std::ptrdiff_t(padded_rows) * stride; }
};

struct Box {
    long left, top, right, bottom;
    double score;
};

// dlib's object detector over FHOG pyramids. One object serves one thread at a time.
class Detector {
public:
    // Parts in the order of planes; one threshold a detector.
    Detector(std::vector<Part> parts, std::vector<double> thresholds, double overlap_iou, double overlap_covered,
             const faces::Kernels& kernels)
        : parts_(std::move(parts)), thresholds_(std::move(thresholds)), iou_(overlap_iou), covered_(overlap_covered),
          kernels_(kernels) {}

    // picture: height x width x 3, RGB, contiguous.
    std::vector<Box> detect(const std::uint8_t* picture, int height, int width, int upsample, double adjust,
                            long min_size);

private:
    std::vector<Part> parts_;
    std::vector<double> thresholds_;
    double iou_, covered_;
    const faces::Kernels& kernels_;
    Planar images_[2];
    Level level_;
};

// Interleaved RGB to planes and back.
void to_planar(const std::uint8_t* picture, int height, int width, Planar& planar);
void from_planar(const Planar& planar, std::uint8_t* picture);

}  // namespace hog
