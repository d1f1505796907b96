// The choice of an instruction set.
#include "kernels.hpp"

#include <stdexcept>

template class Buffer<float>;
template class Buffer<std::uint8_t>;

namespace faces {

#define FACES_KERNELS(isa, lanes)                                                                                  \
    {#isa, lanes, hog::isa::resize, hog::isa::fhog, hog::isa::score, embedder::isa::convolve,                      \
     embedder::isa::convolve_tiles, blazeface::isa::multiply, blazeface::isa::depthwise, blazeface::isa::enlarge}

const std::vector<Kernels>& kernels() {
    static const std::vector<Kernels> found = [] {
        std::vector<Kernels> list;
#ifdef FACES_X86
        __builtin_cpu_init();
        const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
            list.push_back(FACES_KERNELS(avx512, 16));
        if (has_avx2) list.push_back(FACES_KERNELS(avx2, 8));
#endif
        list.push_back(FACES_KERNELS(portable, 4));
        return list;
    }();
    return found;
}

const Kernels& kernel(const std::string& name) {
    std::string names;
    for (const Kernels& one : kernels()) {
        if (name.empty() || name == one.name) return one;
        names += std::string(names.empty() ? "" : ", ") + one.name;
    }
    throw std::invalid_argument("no kernel '" + name + "' on this machine; there are " + names);
}

}  // namespace faces
