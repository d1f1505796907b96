// The pyramid, the boxes and their suppression.
//
// Source: dlib's object_detector, scan_fhog_pyramid, pyramid_down<2>, pyramid_down<6> and test_box_overlap
// (dlib 20.0.1). All positions are computed and rounded as there.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "hog.hpp"

namespace hog {
namespace {

constexpr int RATE = 6;           // each level has 5/6 of the size of the one before
constexpr int MIN_LEVEL = 64;     // pixels; smaller levels are not searched
constexpr int MAX_LEVELS = 1000;

struct Point {
    double x, y;
};

struct Corners {
    Point top_left, bottom_right;
};

Point coarser(Point p) { return {(p.x - 0.3) * ((RATE - 1.0) / RATE), (p.y - 0.3) * ((RATE - 1.0) / RATE)}; }
Point finer(Point p) { return {p.x * (RATE / (RATE - 1.0)) + 0.3, p.y * (RATE / (RATE - 1.0)) + 0.3}; }
Point halved(Point p) { return {p.x / 2.0 - 1.25, p.y / 2.0 - 0.75}; }

template <typename Map>
Corners map(Corners corners, Map step, int times) {
    for (; times > 0; --times) corners = {step(corners.top_left), step(corners.bottom_right)};
    return corners;
}

Box rounded(Corners corners, double score) {
    return {std::lround(corners.top_left.x), std::lround(corners.top_left.y), std::lround(corners.bottom_right.x),
            std::lround(corners.bottom_right.y), score};
}

Corners corners(const Box& box) {
    return {{double(box.left), double(box.top)}, {double(box.right), double(box.bottom)}};
}

// dlib's pyramid_up: twice the position of the last pixel, shifted, rounded.
int doubled_height(int height) { return int(std::lround((height - 1 + 0.75) * 2)) + 1; }
int doubled_width(int width) { return int(std::lround((width - 1 + 1.25) * 2)) + 1; }

// How many levels are searched in a picture of this size.
int count_levels(int height, int width) {
    Box box{0, 0, width - 1, height - 1, 0};
    int levels = 0;
    do {
        box = rounded(map(corners(box), coarser, 1), 0);
        ++levels;
    } while (box.right - box.left + 1 >= MIN_LEVEL && box.bottom - box.top + 1 >= MIN_LEVEL && levels < MAX_LEVELS);
    return levels;
}

// A cell of the padded features in pixels of the level; cells left of the picture lie on their other edge.
long to_pixels(long cell) {
    const long edge = (cell + 1 - (FILTER - 1) / 2) * CELL + 1;
    return edge + (edge >= 0 ? CELL / 2 : -CELL / 2);
}

double area(long left, long top, long right, long bottom) {
    return left > right || top > bottom ? 0 : double((right - left + 1) * (bottom - top + 1));
}

}  // namespace

void Planar::resize(int h, int w) {
    height = h;
    width = w;
    stride = (w + MARGIN + 63) / 64 * 64;
    memory.reserve(3 * std::size_t(h) * stride + MARGIN);
}

void to_planar(const std::uint8_t* picture, int height, int width, Planar& planar) {
    planar.resize(height, width);
    for (int y = 0; y < height; ++y) {
        const std::uint8_t* pixel = picture + std::ptrdiff_t(y) * width * 3;
        std::uint8_t *red = planar.row(0, y), *green = planar.row(1, y), *blue = planar.row(2, y);
        for (int x = 0; x < width; ++x, pixel += 3) {
            red[x] = pixel[0];
            green[x] = pixel[1];
            blue[x] = pixel[2];
        }
    }
}

void from_planar(const Planar& planar, std::uint8_t* picture) {
    for (int y = 0; y < planar.height; ++y) {
        const std::uint8_t *red = planar.row(0, y), *green = planar.row(1, y), *blue = planar.row(2, y);
        for (int x = 0; x < planar.width; ++x, picture += 3) {
            picture[0] = red[x];
            picture[1] = green[x];
            picture[2] = blue[x];
        }
    }
}

std::vector<Box> Detector::detect(const std::uint8_t* picture, int height, int width, int upsample, double adjust,
                                  long min_size) {
    Planar *image = &images_[0], *next = &images_[1];
    to_planar(picture, height, width, *image);
    for (int i = 0; i < upsample; ++i) {
        next->resize(doubled_height(image->height), doubled_width(image->width));
        kernels_.resize(*image, *next);
        std::swap(image, next);
    }
    const int detectors = int(thresholds_.size());
    std::vector<std::vector<Box>> found(detectors);
    const int levels = count_levels(image->height, image->width);
    // The longest side of a box of this level in the picture, rounding aside: that of one at the border.
    double side = double(to_pixels(FILTER - 1) - to_pixels(0) + 1) / (1 << upsample);
    for (int depth = 0; depth < levels; ++depth, side *= RATE / (RATE - 1.0)) {
        if (depth > 0) {
            next->resize((RATE - 1) * image->height / RATE, (RATE - 1) * image->width / RATE);
            if (next->height == 0 || next->width == 0) break;
            kernels_.resize(*image, *next);
            std::swap(image, next);
        }
        if (side + 2 < min_size) continue;
        kernels_.fhog(*image, level_);
        if (level_.rows == 0) continue;
        kernels_.score(parts_, detectors, level_);
        for (int d = 0; d < detectors; ++d) {
            const double least = thresholds_[d] + adjust;
            for (int y = 0; y < level_.rows; ++y) {
                const float* scores = level_.scores.get() + (std::ptrdiff_t(d) * level_.score_rows + y) * level_.stride;
                for (int x = 0; x < level_.columns; ++x) {
                    if (!(scores[x] >= least)) continue;
                    const Box cell{to_pixels(x), to_pixels(y), to_pixels(x + FILTER - 1), to_pixels(y + FILTER - 1), 0};
                    found[d].push_back(rounded(map(corners(cell), finer, depth), scores[x]));
                }
            }
        }
    }

    const auto by_score = [](const Box& a, const Box& b) { return a.score < b.score; };
    std::vector<Box> candidates;
    for (int d = 0; d < detectors; ++d) {
        std::sort(found[d].rbegin(), found[d].rend(), by_score);
        for (Box box : found[d]) {
            box.score -= thresholds_[d];
            const Box in_picture = rounded(map(corners(box), halved, upsample), box.score);
            if (std::min(in_picture.right - in_picture.left, in_picture.bottom - in_picture.top) + 1 >= min_size)
                candidates.push_back(box);
        }
    }
    std::sort(candidates.rbegin(), candidates.rend(), by_score);
    std::vector<Box> kept;
    for (const Box& box : candidates) {
        const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Box& other) {
            const double inner = area(std::max(box.left, other.left), std::max(box.top, other.top),
                                      std::min(box.right, other.right), std::min(box.bottom, other.bottom));
            if (inner == 0) return false;
            const double outer = area(std::min(box.left, other.left), std::min(box.top, other.top),
                                      std::max(box.right, other.right), std::max(box.bottom, other.bottom));
            const double one = area(other.left, other.top, other.right, other.bottom);
            const double two = area(box.left, box.top, box.right, box.bottom);
            return inner / outer > iou_ || inner / one > covered_ || inner / two > covered_;
        });
        if (!covered) kept.push_back(box);
    }
    for (Box& box : kept) box = rounded(map(corners(box), halved, upsample), box.score);
    return kept;
}

}  // namespace hog
