<?php
/**
 * Plugin Name: Related articles of recommender
 * Description: Shows under each post the list that `recommender export` wrote into the table related_articles.
 * Version: 1.0
 * License: MIT
 *
 * The box stands below the text of a single post; [related_articles] puts it elsewhere. Nothing of
 * recommender's needs to run: the table is read as any other.
 */

if (!defined('ABSPATH')) {
    exit;
}

const RECOMMENDER_TABLE = 'related_articles';
const RECOMMENDER_MOST = 5;

/** The rows of a post's list; none where there is no list, or no table yet. */
function recommender_related_rows($post_id, $most = RECOMMENDER_MOST)
{
    global $wpdb;
    $shown = $wpdb->suppress_errors();
    // An article of a site that its settings name has that name in front of its id.
    $id = defined('RECOMMENDER_SITE') ? RECOMMENDER_SITE . ':' . $post_id : (string) $post_id;
    $rows = $wpdb->get_results(
        $wpdb->prepare(
            'SELECT title, url FROM `' . RECOMMENDER_TABLE . '` WHERE article_id = %s ORDER BY `rank` LIMIT %d',
            $id,
            $most
        )
    );
    $wpdb->suppress_errors($shown);
    return $rows ?: [];
}

/** The box as HTML; empty where nothing is related. */
function recommender_related_box($post_id)
{
    $items = '';
    foreach (recommender_related_rows($post_id) as $row) {
        $items .= '<li><a href="' . esc_url($row->url) . '">' . esc_html($row->title) . '</a></li>';
    }
    if ($items === '') {
        return '';
    }
    $heading = esc_html(apply_filters('recommender_related_heading', __('Related articles')));
    return '<nav class="recommender-related" aria-label="' . $heading . '"><h2>' . $heading . '</h2><ul>' . $items . '</ul></nav>';
}

add_shortcode('related_articles', function () {
    return recommender_related_box(get_the_ID());
});

add_filter('the_content', function ($content) {
    if (!is_singular('post') || !in_the_loop() || !is_main_query() || has_shortcode($content, 'related_articles')) {
        return $content;
    }
    return $content . recommender_related_box(get_the_ID());
});
