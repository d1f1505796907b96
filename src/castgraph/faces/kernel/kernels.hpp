// What the kernels of faces share: memory, and the choice of an instruction set at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// What is written here is compiled for several instruction sets. A copy that the linker may choose for all of them
// must not use the newest, so small functions are always inlined and larger ones compiled once, in kernels.cpp.
#define FACES_INLINE [[gnu::always_inline]] inline

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
    FACES_INLINE T* get() const { return data_.get(); }

private:
    struct Free {
        void operator()(T* p) const { ::operator delete[](p, std::align_val_t(64)); }
    };
    std::unique_ptr<T[], Free> data_;
    std::size_t size_ = 0;
};

extern template class Buffer<float>;
extern template class Buffer<std::uint8_t>;

namespace hog {
struct Planar;
struct Level;
struct Part;
}  // namespace hog

namespace embedder {
struct Convolution;
struct Images;
enum class Then;
}  // namespace embedder

namespace blazeface {
struct Image;
struct Lines;
struct Matrix;
}  // namespace blazeface

// What differs between instruction sets; each is a namespace with these functions.
#define FACES_DECLARE(isa)                                                                                         \
    namespace hog::isa {                                                                                           \
    /* dlib's bilinear interpolation of an RGB picture to the size of `to`, to the bit. */                          \
    void resize(const Planar& from, Planar& to);                                                                   \
    /* dlib's FHOG features of a picture; no rows when the picture is too small for any. */                         \
    void fhog(const Planar& picture, Level& level);                                                                \
    /* For each detector the sum of its parts at every cell; the parts are in the order of planes. */               \
    void score(const std::vector<Part>& parts, int detectors, Level& level);                                       \
    }                                                                                                              \
    namespace embedder::isa {                                                                                      \
    /* A convolution without zeros around the pictures. */                                                         \
    void convolve(const Convolution& layer, int chips, const Images& in, const Images& out, Then then);            \
    /* One whose filters were transformed; `scratch` holds POINTS x point_size of inputs and of filters. */         \
    void convolve_tiles(const Convolution& layer, int chips, const Images& in, const Images& out, Then then,       \
                        float* scratch);                                                                           \
    }                                                                                                              \
    namespace blazeface::isa {                                                                                     \
    /* The first `vectors` of `lines` through a matrix; outputs, and what is added to them, one a vector, each      \
       that of the first filter, `line` floats from one to the next. */                                            \
    void multiply(const Matrix& matrix, const Lines& lines, int vectors, float* const* outputs,                    \
                  const float* const* added, std::ptrdiff_t line, bool with_relu);                                 \
    /* `rows` rows from `row` on, each channel through its filter; `between` holds a row, `zeros` is one. */        \
    void depthwise(const Image& in, const float* filters, const float* shifts, int stride, int row, int rows,      \
                   const float* zeros, float* between, const Lines& lines);                                        \
    /* A row of an image that is made twice as large, with another added; `between` holds a row and two. */         \
    void enlarge(const Image& in, const Image& added, int row, float* between, const Image& out);                  \
    }
FACES_DECLARE(portable)
#ifdef FACES_X86
FACES_DECLARE(avx2)
FACES_DECLARE(avx512)
#endif

namespace faces {

struct Kernels {
    const char* name;
    int lanes;  // floats of a vector
    decltype(&hog::portable::resize) resize;
    decltype(&hog::portable::fhog) fhog;
    decltype(&hog::portable::score) score;
    decltype(&embedder::portable::convolve) convolve;
    decltype(&embedder::portable::convolve_tiles) convolve_tiles;
    decltype(&blazeface::portable::multiply) multiply;
    decltype(&blazeface::portable::depthwise) depthwise;
    decltype(&blazeface::portable::enlarge) enlarge;
};

// The kernels that this machine can run, the best first.
const std::vector<Kernels>& kernels();
// By name; "" is the best. std::invalid_argument when this machine has none of that name.
const Kernels& kernel(const std::string& name);

}  // namespace faces
