// dlib's landmarks: a cascade of regression trees that move the points of a face to their places.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace landmarks {

struct Point {
    long x, y;
};

struct Rectangle {
    long left, top, right, bottom;  // sides included
};

struct Picture {
    const std::uint8_t* values;  // RGB, row by row
    long height, width;
};

// It is not changed by finding points, so threads may share it.
class Predictor {
public:
    // file: what dlib's shape_predictor wrote. std::invalid_argument when it is something else.
    Predictor(const std::uint8_t* file, std::size_t size);

    // The points of a face in a picture; the rectangle may reach beyond it.
    std::vector<Point> find(const Picture& picture, const Rectangle& face) const;

private:
    struct Place {
        float x, y;
    };
    struct Pixel {
        int anchor;   // the point that it lies beside
        Place delta;  // from there, in the initial shape
    };
    struct Split {
        std::uint16_t first, second;  // pixels whose difference is compared
        float threshold;
    };
    struct Level {
        std::vector<Pixel> pixels;
        std::vector<Split> splits;  // [tree][split]: of a whole binary tree, its root first
        std::vector<float> leaves;  // [tree][leaf][coordinate]
    };

    std::vector<Place> initial_;
    std::vector<Level> levels_;
    std::size_t splits_ = 0;  // of a tree
};

}  // namespace landmarks
