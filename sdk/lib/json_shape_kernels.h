/*
 * Does a text fit a layout: the kernels by number, so that tests can compare them. Internal.
 */
#ifndef SDK_LIB_JSON_SHAPE_KERNELS_H
#define SDK_LIB_JSON_SHAPE_KERNELS_H

#include <hawse/json_shape.h>

#include <stdbool.h>

enum json_shape_kernel { JSON_SHAPE_SCALAR, JSON_SHAPE_SSE2, JSON_SHAPE_AVX2 };

/* By the kernel asked for, or the next lower one that this CPU has. */
bool json_shape_fits(const hawse_json_layout_t *layout, const uint8_t *text,
                     enum json_shape_kernel kernel);

#endif
