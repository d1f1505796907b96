// The review: one question at a time.
import "../style/common.css";
import "../style/review.css";
