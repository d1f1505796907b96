// What the parts of the HOG kernel share.
//
// resize.cpp and fhog.cpp are compiled once for each instruction set that the machine may have; detector.cpp
// chooses among them at run time and knows the pyramid, the boxes and their suppression; module.cpp is the
// door to Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hog {

constexpr int CELL = 8;         // pixels of a cell's side
constexpr int FILTER = 10;      // cells of a filter's side
constexpr int BINS = 18;        // signed orientations
constexpr int FEATURES = 31;    // 18 signed and 9 unsigned orientations, 4 texture energies
constexpr int MARGIN = 64;      // bytes or floats that may be read beyond the end of a row

// What is written here is compiled for several instruction sets. A copy that the linker may choose for all of them
// must not use the newest, so small functions are always inlined and larger ones compiled once, in detector.cpp.
#define HOG_INLINE [[gnu::always_inline]] inline

// Memory that is kept from picture to picture: fresh pages cost more than the arithmetic on them.
template <typename T>
class Buffer {
public:
    T* reserve(std::size_t n) {
        if (n > size_) {
            data_.reset(new (std::align_val_t(64)) T[n]);
            size_ = n;
        }
        return data_.get();
    }
    HOG_INLINE T* get() const { return data_.get(); }

private:
    struct Free {
        void operator()(T* p) const { ::operator delete[](p, std::align_val_t(64)); }
    };
    std::unique_ptr<T[], Free> data_;
    std::size_t size_ = 0;
};

extern template class Buffer<float>;
extern template class Buffer<std::uint8_t>;

// A picture as three planes of rows with MARGIN bytes of slack.
struct Planar {
    int height = 0, width = 0;
    std::ptrdiff_t stride = 0;
    Buffer<std::uint8_t> memory;

    void resize(int h, int w);
    HOG_INLINE std::uint8_t* row(int channel, int y) const { return memory.get() + (channel * std::ptrdiff_t(height) + y) * stride; }
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

    HOG_INLINE float* feature(int plane) const { return features.get() + plane * std::ptrdiff_t(padded_rows) * stride; }
};

// What differs between instruction sets; each is a namespace with these three functions.
#define HOG_DECLARE(isa)                                                                        \
    namespace isa {                                                                             \
    /* dlib's bilinear interpolation of an RGB picture to the size of `to`, to the bit. */       \
    void resize(const Planar& from, Planar& to);                                                \
    /* dlib's FHOG features of a picture; no rows when the picture is too small for any. */      \
    void fhog(const Planar& picture, Level& level);                                             \
    /* For each detector the sum of its parts at every cell; the parts are in the order of planes. */ \
    void score(const std::vector<Part>& parts, int detectors, Level& level);                    \
    }
HOG_DECLARE(portable)
#ifdef HOG_X86
HOG_DECLARE(avx2)
HOG_DECLARE(avx512)
#endif

struct Kernels {
    const char* name;
    decltype(&portable::resize) resize;
    decltype(&portable::fhog) fhog;
    decltype(&portable::score) score;
};

// The kernels that this machine can run, the best first.
const std::vector<Kernels>& kernels();
// By name; "" is the best. std::invalid_argument when this machine has none of that name.
const Kernels& kernel(const std::string& name);

struct Box {
    long left, top, right, bottom;
    double score;
};

// dlib's object detector over FHOG pyramids. One object serves one thread at a time.
class Detector {
public:
    // Parts in the order of planes; one threshold a detector.
    Detector(std::vector<Part> parts, std::vector<double> thresholds, double overlap_iou, double overlap_covered,
             const Kernels& kernels)
        : parts_(std::move(parts)), thresholds_(std::move(thresholds)), iou_(overlap_iou), covered_(overlap_covered),
          kernels_(kernels) {}

    // picture: height x width x 3, RGB, contiguous.
    std::vector<Box> detect(const std::uint8_t* picture, int height, int width, int upsample, double adjust,
                            long min_size);

private:
    std::vector<Part> parts_;
    std::vector<double> thresholds_;
    double iou_, covered_;
    const Kernels& kernels_;
    Planar images_[2];
    Level level_;
};

// Interleaved RGB to planes and back.
void to_planar(const std::uint8_t* picture, int height, int width, Planar& planar);
void from_planar(const Planar& planar, std::uint8_t* picture);

}  // namespace hog
